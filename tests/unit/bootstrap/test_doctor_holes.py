"""Known holes are found by version, and a distribution's own word about its fixes is heard."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from bootstrap.doctor import holes
from bootstrap.doctor.findings import Level

if TYPE_CHECKING:
    from pathlib import Path

MASKED_PATHS = "CVE-2025-31133"
CHANGES = """\
runc (1.1.5+ds1-1+deb12u2) bookworm; urgency=medium

  * Backport patch for CVE-2025-31133

 -- A Maintainer <a@example.org>  Sat, 01 Nov 2025 00:00:00 +0000

runc (1.1.5+ds1-1+deb12u1) bookworm; urgency=medium

  * Backport patches
    CVE-2024-21626: several container breakouts

 -- A Maintainer <a@example.org>  Thu, 01 Feb 2024 00:00:00 +0000
"""


def names(component: str, version: str) -> set[str]:
    """Give the holes of an upstream version."""
    return {hole.name for hole in holes.HOLES if hole.component == component and holes.is_open(hole, version)}


def test_versions_are_compared_by_their_numbers() -> None:
    """Ten is more than nine, a release candidate comes before its release, and a package's tail says nothing."""
    in_order = ["1.0.0-rc7", "1.0.0-rc93", "1.0.0", "1.1.9", "1.1.10", "1.2", "1.2.1"]
    assert sorted(in_order, key=holes.parse) == in_order
    assert holes.parse("1.1.5+ds1-1+deb12u1") == holes.parse("1.1.5") == holes.parse("v1.1.5")
    assert holes.parse("1.0.0~rc93+ds1") == holes.parse("1.0.0-rc93")
    assert holes.parse("6.18.44-custom") == holes.parse("6.18.44")
    assert holes.parse("unknown") == ()


@pytest.mark.parametrize(
    ("version", "is_open"),
    [
        ("1.1.15", True),  # a branch without a fix
        ("1.2.7", True),
        ("1.2.8", False),
        ("1.3.2", True),
        ("1.3.3", False),
        ("1.4.0-rc.2", True),
        ("1.4.0-rc.3", False),
        ("1.4.0", False),
        ("1.5.0", False),  # a branch begun after the fix
        ("2.0.0", False),
    ],
)
def test_a_fix_counts_for_its_branch(version: str, is_open: bool) -> None:  # noqa: FBT001
    """Each maintained branch has a fix of its own; older branches got none, newer ones began with it."""
    assert (MASKED_PATHS in names("runc", version)) is is_open


def test_the_versions_of_today_are_judged() -> None:
    """What is current has none of these; what was current before the fixes has them."""
    assert names("engine", "29.5.0") == {"CVE-2026-41567", "CVE-2026-42306"}
    assert names("engine", "29.5.1") == names("engine", "30.0.0") == set()
    assert names("runc", "1.1.11") >= {"CVE-2024-21626", "CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"}
    assert "CVE-2024-21626" not in names("runc", "1.1.12")
    assert names("kernel", "6.18.44") == names("kernel", "7.1.0") == set()
    assert names("kernel", "6.18.22") == {"CVE-2026-43284"}
    assert "CVE-2022-0847" in names("kernel", "5.10.101")
    assert "CVE-2022-0847" not in names("kernel", "5.4.0")  # older than the hole
    assert "CVE-2022-0847" not in names("kernel", "6.1.0")
    assert names("containerd", "2.1.5") == set()
    assert "CVE-2024-25621" in names("containerd", "1.7.28")


def test_every_hole_says_where_it_was_published() -> None:
    """Each has a source, a fix and a level that a finding can have; none is listed twice."""
    assert len({hole.name for hole in holes.HOLES}) == len(holes.HOLES)
    for hole in holes.HOLES:
        assert hole.source
        assert hole.what
        assert all(holes.parse(fixed) for fixed in hole.fixed)
        assert hole.fixed
        assert hole.component in {"engine", "containerd", "runc", "crun", "kernel"}
        assert hole.reach.value in {Level.BAD, Level.WARN}


@pytest.mark.parametrize(
    ("version", "is_distributions"),
    [
        ("1.1.5+ds1-1+deb12u1", True),
        ("1.6.20~ds1-1+deb12u3", True),
        ("20.10.24+dfsg1", True),
        ("1.1.12-0ubuntu2~22.04.1", True),
        ("1.2.5-1.el9", True),
        ("1.3.3", False),
        ("v1.7.27", False),
        ("29.5.1", False),
        ("1.4.0-rc.3", False),
    ],
)
def test_a_distributions_version_is_told(version: str, is_distributions: bool) -> None:  # noqa: FBT001
    """Distributions mark the versions that they built."""
    assert holes.component("runc", "runc", version, "runc").from_distribution is is_distributions


@pytest.mark.parametrize(
    ("release", "build", "version", "is_distributions"),
    [
        ("6.1.0-13-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)", "6.1.55-1", True),
        ("6.12.57+deb13-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)", "6.12.57-1", True),
        ("6.8.0-110-generic", "#110-Ubuntu SMP PREEMPT_DYNAMIC", "6.8.0-110-generic", True),
        ("5.14.0-611.20.1.el9_7.x86_64", "#1 SMP", "5.14.0-611.20.1.el9_7.x86_64", True),
        ("6.18.44-custom", "#1 SMP", "6.18.44-custom", False),
        ("7.0.5", "", "7.0.5", False),
    ],
)
def test_a_distributions_kernel_is_told(release: str, build: str, version: str, is_distributions: bool) -> None:  # noqa: FBT001
    """Debian's says which version its sources have; others only number their own builds."""
    found = holes.kernel(release, build)
    assert (found.version, found.from_distribution) == (version, is_distributions)
    assert found.package == f"linux-image-{release}"


def test_a_hole_in_the_boundary_is_bad(tmp_path: Path) -> None:
    """An upstream version with a hole in the runtime itself is bad, with the version to upgrade to."""
    found = list(holes.judge(holes.component("runc", "runc", "1.2.7", "runc"), tmp_path))
    assert {finding.level for finding in found} == {Level.BAD}
    assert all("1.2.8" in finding.remedy for finding in found)
    assert f"runc.{MASKED_PATHS}" in {finding.name for finding in found}


def test_a_hole_behind_another_wall_is_a_warning(tmp_path: Path) -> None:
    """What only a function that is never used would open is told, with the reason, and no more than that."""
    found = list(holes.judge(holes.component("engine", "Docker Engine", "28.5.2", "docker.io"), tmp_path))
    assert {finding.level for finding in found} == {Level.WARN}
    assert all("never copies" in finding.what for finding in found)


def test_a_distributions_package_lowers_the_finding(tmp_path: Path) -> None:
    """Where nothing says that the package was fixed, the finding is a warning that names the package's version."""
    found = list(holes.judge(holes.component("runc", "runc", "1.1.5+ds1-1+deb12u1", "runc"), tmp_path))
    assert {finding.level for finding in found} == {Level.WARN}
    assert all("runc 1.1.5+ds1-1+deb12u1" in finding.remedy for finding in found)


def test_a_package_that_says_it_was_fixed_is_believed(tmp_path: Path) -> None:
    """Holes named in the list of changes are closed, but only by entries up to the version that runs."""
    (tmp_path / "runc").mkdir()
    with gzip.open(tmp_path / "runc" / "changelog.Debian.gz", "wt") as file:
        file.write(CHANGES)
    older = list(holes.judge(holes.component("runc", "runc", "1.1.5+ds1-1+deb12u1", "runc"), tmp_path))
    assert {finding.name for finding in older} == {f"runc.{MASKED_PATHS}", "runc.CVE-2025-52565", "runc.CVE-2025-52881"}
    newer = list(holes.judge(holes.component("runc", "runc", "1.1.5+ds1-1+deb12u2", "runc"), tmp_path))
    assert f"runc.{MASKED_PATHS}" not in {finding.name for finding in newer}
    other = list(holes.judge(holes.component("runc", "runc", "1.1.5-own", "runc"), tmp_path))
    assert {finding.level for finding in other} == {Level.BAD}


def test_a_component_without_holes_is_one_good_finding(tmp_path: Path) -> None:
    """It names the version; an unknown version is a warning."""
    (good,) = holes.judge(holes.component("runc", "runc", "1.3.4", "runc"), tmp_path)
    assert (good.level, good.what) == (Level.OK, "runc 1.3.4: no hole known here")
    (unknown,) = holes.judge(holes.component("runc", "runc", "", "runc"), tmp_path)
    assert unknown.level is Level.WARN
