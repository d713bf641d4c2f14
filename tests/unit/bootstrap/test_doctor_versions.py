"""Parts of the engine that are too old are found by their versions, with a remedy; a distribution's are a warning."""

from __future__ import annotations

import pytest

from bootstrap.doctor import versions
from bootstrap.doctor.findings import Level


def test_versions_are_compared_by_their_numbers() -> None:
    """Ten is more than nine, a release candidate comes before its release, and a package's suffix doesn't count."""
    in_order = ["1.0.0-rc7", "1.0.0-rc93", "1.0.0", "1.1.9", "1.1.10", "1.2", "1.2.1"]
    assert sorted(in_order, key=versions.parse) == in_order
    assert versions.parse("1.1.5+ds1-1+deb12u1") == versions.parse("1.1.5") == versions.parse("v1.1.5")
    assert versions.parse("1.0.0~rc93+ds1") == versions.parse("1.0.0-rc93")
    assert versions.parse("unknown") == ()


@pytest.mark.parametrize(
    ("name", "good", "too_old"),
    [
        ("engine", "29.5.1 30.0.0", "29.5.0 28.5.2"),
        ("runc", "1.2.8 1.3.3 1.4.0 1.5.0 2.0.0", "1.1.15 1.2.7 1.3.2 1.4.0-rc.2"),
        ("containerd", "1.7.29 2.0.7 2.1.5 2.2.0", "1.6.38 1.7.28 2.1.4"),
        ("crun", "1.30 1.31", "1.29 0.9"),
        ("kernel", "6.12.87-1 6.18.44-custom 7.1.0", "5.10.200 6.1.55-1 6.18.27 6.19.12"),
    ],
)
def test_each_branch_has_its_first_good_version(name: str, good: str, too_old: str) -> None:
    """An older branch is too old as a whole, a newer one good."""
    assert {versions.judge(name, name, version).level for version in good.split()} == {Level.OK}
    found = [versions.judge(name, name, version) for version in too_old.split()]
    assert {finding.level for finding in found} == {versions.MINIMUMS[name].level}
    for finding in found:
        assert versions.MINIMUMS[name].versions[-1] in finding.remedy
        assert versions.MINIMUMS[name].link in finding.remedy


@pytest.mark.parametrize(
    "version",
    ["1.1.5+ds1-1+deb12u1", "1.1.6~ds1-1", "1.1.12-0ubuntu2~22.04.1", "1.2.5-1.el9", "1.0.1-110-generic"],
)
def test_a_distributions_build_is_a_warning(version: str) -> None:
    """The distribution may have fixed it without a new number; upstream's would be bad."""
    found = versions.judge("runc", "runc", version)
    assert found.level is Level.WARN
    assert "security tracker" in found.remedy
    assert versions.judge("runc", "runc", "1.1.12").level is Level.BAD


def test_an_unknown_version_is_a_warning() -> None:
    """A part that doesn't tell its version may be too old."""
    assert versions.judge("crun", "crun", "").level is Level.WARN
