"""docs/ci.md: its commands, one after the other in a repository, do what the page says."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml
from PIL import Image

from figbox.check.config import KEYS, OPTIONS, find_config
from figbox.check.lock import HEAD, parse_lock
from figbox.check.verdicts import Verdict
from figbox.cli.exits import ExitStatus
from tests.client.check.conftest import git
from tests.documents.pages import CI, ROOT, blocks, commands, first_cells, rows, section

if TYPE_CHECKING:
    from pathlib import Path

    from tests.documents.conftest import Reader

#: Exit statuses other than 0, by the number of the command on the page, counted from 0.
STATUSES = {2: 1, 8: 1}

#: What is run apart: installing, which `tests/client/test_package.py` does, and a service that is there while the other
#: commands run.
INSTALL, START, END = "pip install '.[ci]'", 'eval "$(figbox up)"', "figbox down"


@pytest.mark.engine
def test_walk(reader: Reader) -> None:
    """From nothing to a reviewed change, with the service that the page starts, then each of the other commands."""
    home = reader.folder.parent / "home"
    home.mkdir()
    (home / "figbox").symlink_to(ROOT)
    given = {"HOME": str(home), "FIGBOX_HOME": str(ROOT)}
    lines = commands(CI)
    assert lines[:2] == [INSTALL, START]
    assert lines.count(START) == lines.count(END)
    started = reader.run(f"unset FIGBOX_URL\n{START}\nenv | grep ^FIGBOX_", **given)
    given |= dict(line.split("=", 1) for line in started.stdout.splitlines())
    try:
        walk(reader, [line for line in lines if line not in {INSTALL, START, END}], given)
    finally:
        reader.run(END, **given)


def walk(reader: Reader, lines: list[str], given: dict[str, str]) -> None:
    """Run the commands of the page."""
    (reader.folder / "plots" / "drafts" / "half.py").unlink()
    git(reader.folder, "init", "-q")
    git(reader.folder, "add", "plots")
    git(reader.folder, "commit", "-q", "-m", "scripts")
    git(reader.folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    for name in ("user.name", "user.email"):
        git(reader.folder, "config", name, "a@b.c")
    said = {}
    for number, line in enumerate(lines, 2):
        said[number] = reader.run(line, STATUSES.get(number, 0), **given)
    (shown,) = blocks(CI, "text")
    changed = said[8].stderr
    *told, tally = shown.splitlines()
    assert [line for line in told if line not in changed] == []
    assert tally.rpartition(" in ")[0] in changed
    base = next(done for line, done in zip(lines, said.values(), strict=True) if "--base" in line)
    assert "changed          plots/sales" in base.stderr
    assert json.loads((reader.folder / "check.json").read_text())["summary"]["same"] == 4
    assert "4 same" in (reader.folder / "check.md").read_text()
    assert 'tests="4"' in (reader.folder / "check.xml").read_text()
    assert "<title>Figures: 4 same</title>" in (reader.folder / "check.html").read_text()
    assert (reader.folder / "check.pdf").read_bytes().startswith(b"%PDF-")
    assert "OWNER/figbox/ci/github@TAG" in (reader.folder / ".github" / "workflows" / "figures.yml").read_text()
    with Image.open(reader.folder / "figures" / "plots" / "sales.png") as picture:
        assert picture.format == "PNG"


def test_places_of_the_page() -> None:
    """The inputs, outputs and files that the page has are those of the action and of `ci/`."""
    text = section(CI, "Where it runs")
    action = yaml.safe_load((ROOT / "ci" / "github" / "action.yml").read_text("utf-8"))
    assert first_cells(text) == list(action["inputs"])
    assert [name for name in action["outputs"] if f"`{name}`" not in text] == []
    step, job, hook = (yaml.safe_load(block) for block in blocks(CI, "yaml"))
    assert set(step[0]["with"]) <= set(action["inputs"])
    template = yaml.safe_load((ROOT / job["include"][0]["file"]).read_text("utf-8"))
    assert job["figures"]["extends"] in template
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hook["repos"][0]["hooks"] == [{"id": entry["id"]} for entry in hooks]


def test_configuration_of_the_page(tmp_path: Path) -> None:
    """The example has every key, the table explains each, and both are read."""
    _, text = blocks(CI, "toml")
    (tmp_path / "figbox.toml").write_text(text)
    config = find_config(tmp_path)
    assert config.options_of("plots/north/map.py") == {"dpi": 100, "seed": 7}
    assert config.tolerance_of("plots/north/map.py", "plots/north/map") == 1.5
    assert set(tomllib.loads(text)["check"]) == set(KEYS)
    assert first_cells(section(CI, "Configuration")) == list(KEYS)
    assert [name for name in OPTIONS if f"`{name}`" not in section(CI, "Configuration")] == []


def test_lock_of_the_page() -> None:
    """The entry shown has every fact, with digests cut."""
    entry, _ = blocks(CI, "toml")
    text = HEAD + "\n" + entry.replace("9f2c…", "9f" * 32).replace("77ab…", "77" * 32)
    assert parse_lock(text).figures["plots/sales"].image == "sha256:2e69…"


def test_tables_of_the_page() -> None:
    """Verdicts and exit statuses are those of the code."""
    assert set(first_cells(section(CI, "What it says of a figure"))) == set(Verdict)
    listed = [row[0] for row in rows(section(CI, "For scripts and CI services"))[1:]]
    assert listed == [str(status.value) for status in ExitStatus]
