"""Images of environments: their names, which exist, and which packages of a lock go into them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bootstrap.images import context, environments, image, wheels
from bootstrap.images.environments import configured, known, tag_of
from bootstrap.steps import SetupError, Steps

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "runner-image" / "environments"
RUNNER_LOCK = (ROOT / "runner-image" / "requirements.txt").read_text("utf-8")

PRESENT = """\
#
# a comment
#
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via something
three==3.0 \\
    --hash=sha256:cc
"""
LOCK = """\
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via two
two==2.0 \\
    --hash=sha256:bb
    # via -r list.in
"""


@pytest.mark.parametrize(
    ("runner", "tag"),
    [
        ("figbox-runner:latest", "figbox-runner-science:latest"),
        ("figbox-runner", "figbox-runner-science:latest"),
        ("registry.example:5000/team/runner:2", "registry.example:5000/team/runner-science:2"),
        ("registry.example:5000/team/runner", "registry.example:5000/team/runner-science:latest"),
    ],
)
def test_images_are_named_after_the_runners(runner: str, tag: str) -> None:
    """The environment's name is added to the repository's; the tag stays."""
    assert tag_of(runner, "science") == tag


def test_present_packages_are_left_out() -> None:
    """Only the packages that the other lock lacks remain, with their hashes, without comments."""
    assert wheels.without(LOCK, PRESENT, "x.txt") == "two==2.0 \\\n    --hash=sha256:bb\n"
    assert wheels.without(LOCK, "", "x.txt").count("--hash") == 3


def test_contradicting_locks_are_refused() -> None:
    """A package can't have two versions."""
    with pytest.raises(SetupError, match=r"x\.txt has one 1\.0, the runner image 1\.1.*make lock"):
        wheels.without(LOCK, PRESENT.replace("one==1.0", "one==1.1"), "x.txt")


@pytest.mark.parametrize("lock", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_locks_agree_with_the_runner_image(lock: Path) -> None:
    """Every environment's lock keeps the runner image's versions, adds packages, and has a hash for every file."""
    text = lock.read_text("utf-8")
    more = wheels.without(text, RUNNER_LOCK, lock.name)
    packages = [line for line in more.splitlines() if line[0].isalnum()]
    assert packages
    assert all("==" in line for line in packages)
    assert more.count("--hash=sha256:") >= len(packages)
    assert "://" not in text, "a lock doesn't say where packages come from"
    asked = [line for line in lock.with_suffix(".in").read_text("utf-8").splitlines() if line[:1].isalnum()]
    assert set(asked) <= {line.partition("==")[0] for line in packages}


def test_environments_do_not_change_the_runner_image() -> None:
    """A new environment doesn't make the set-up build the runner image again."""
    names = [name for name, _ in context.files(ROOT / "runner-image")]
    assert "Dockerfile" in names
    assert not [name for name in names if "environments" in name]


def test_known_are_those_with_a_lock(tmp_path: Path) -> None:
    """An environment needs a lock, and a name that fits into an image's name."""
    for name in ("a.txt", "b.in", "Dockerfile", "Big Name.txt", "c-1.txt"):
        (tmp_path / name).touch()
    assert known(tmp_path) == ["a", "c-1"]
    assert "science" in known(FOLDER)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ('[environments.a]\nimage = "runner-a:1"\n', ["a"]),
        ('[environments.a]\nimage = "another:1"\n', []),
        ('[environments.unlocked]\nimage = "runner-unlocked:1"\n', []),
        ("[environments.a]\n", []),
        ("environments = 3\n", []),
        ("[environments]\na = 3\n", []),
        ("nonsense", []),
        (None, []),
    ],
)
def test_configured_are_ours_that_the_settings_name(tmp_path: Path, content: str | None, names: list[str]) -> None:
    """`make run` builds what the gateway will ask for, where it can; mistakes are left for the gateway to report."""
    (tmp_path / "a.txt").touch()
    assert configured(tmp_path, tmp_path, "runner:1") == []
    (tmp_path / ".env").write_text("FIGBOX_ENVIRONMENTS_FILE=my.toml\n")
    if content is not None:
        (tmp_path / "my.toml").write_text(content)
    assert configured(tmp_path, tmp_path, "runner:1") == names


@pytest.mark.parametrize("name", ["nowhere", "../requirements", "Science", ""])
def test_environment_without_a_lock_is_refused(tmp_path: Path, name: str) -> None:
    """The error names the locks that exist, before an engine is asked."""
    runner = image.Recipe(ROOT / "runner-image", tmp_path, "runner:1")
    recipe = environments.Recipe(name, FOLDER, runner)
    with pytest.raises(SetupError, match=r"no lock for an environment .*science.*docs/environments\.md"):
        environments.ensure(Steps(output=io.StringIO()), [recipe])


def test_every_input_changes_the_hash(tmp_path: Path) -> None:
    """Another lock, Dockerfile, architecture or runner image makes another image."""
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "Dockerfile").write_text("FROM x")
    recipe = environments.Recipe("a", tmp_path, image.Recipe(tmp_path, tmp_path))
    hashes = [recipe.inputs("x86_64", "id"), recipe.inputs("aarch64", "id"), recipe.inputs("x86_64", "other")]
    (tmp_path / "a.txt").write_text("two")
    hashes.append(recipe.inputs("x86_64", "id"))
    (tmp_path / "Dockerfile").write_text("FROM y")
    hashes.append(recipe.inputs("x86_64", "id"))
    assert len(set(hashes)) == 5
