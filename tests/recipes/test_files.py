"""The files of `ci/` are what their readers accept, and have what a careful reader asks for."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import write
from tests.documents.pages import ROOT
from tests.recipes.files import ACTIONS, GITLAB, HOOKS, PINNED, PLACEHOLDER, SCRIPTS, WORKFLOWS, load, steps_of
from tests.support.command import run

if TYPE_CHECKING:
    from pathlib import Path

#: Ours, used with a tag that a copier chooses.
OWN = re.compile(r"OWNER/figbox/ci/github(/comment)?@TAG")

#: A commit, and the version that it is.
PINNED_USE = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", re.MULTILINE)


def tool(name: str) -> Path:
    """Return a program of the tests' environment, which is beside their Python."""
    return ROOT.joinpath(sys.prefix, "bin", name)


@pytest.mark.parametrize("path", [*ACTIONS, *WORKFLOWS, GITLAB], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_schemas(path: Path) -> None:
    """Each file has the form that its CI service publishes."""
    schema = "gitlab-ci" if path == GITLAB else "github-actions" if path in ACTIONS else "github-workflows"
    more = ("--data-transform", "gitlab-ci") if path == GITLAB else ()
    done = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *more, path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hook_manifest() -> None:
    """The hook is one that pre-commit takes."""
    done = run(sys.executable, "-m", "pre_commit", "validate-manifest", HOOKS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="zizmor is installed on Linux alone")
def test_audit(tmp_path: Path) -> None:
    """The strictest audit finds nothing, with the placeholder of our own version replaced by a commit."""
    copies = []
    for path in (*ACTIONS, *WORKFLOWS):
        text = path.read_text("utf-8").replace(PLACEHOLDER, PINNED)
        folder = ".github/workflows" if path in WORKFLOWS else path.parent.relative_to(ROOT).as_posix()
        copies.append(write(tmp_path / folder / path.name, text))
    done = run(tool("zizmor"), "--offline", "--no-config", "--persona=auditor", *copies)
    assert done.returncode == 0, done.stdout + done.stderr


def test_audit_finds_what_it_should(tmp_path: Path) -> None:
    """The same audit does find a name of a branch in a shell, and an action without a commit."""
    text = WORKFLOWS[-1].read_text("utf-8") + "      - run: echo ${{ github.head_ref }}\n"
    copy = write(tmp_path / ".github" / "workflows" / "x.yml", text)
    done = run(tool("zizmor"), "--offline", "--no-config", copy)
    assert done.returncode != 0
    assert "template-injection" in done.stdout
    assert "unpinned-uses" in done.stdout


def test_shell_scripts(tmp_path: Path) -> None:
    """ShellCheck finds nothing in the scripts, nor in what the steps of actions, workflows and GitLab run."""
    job = load(GITLAB)[".figbox"]
    lines = [step["run"] for path in (*ACTIONS, *WORKFLOWS) for step in steps_of(path) if "run" in step]
    lines += ["\n".join([*job["before_script"], *job["script"], *job["after_script"]])]
    assert lines
    done = run(tool("shellcheck"), *SCRIPTS)
    assert done.returncode == 0, done.stdout
    for text in lines:
        assert "${{" not in text
        # Names come from the environment that the step sets.
        given = run(
            "bash", "-c", 'printf %s "$1" | "$2" --shell bash --exclude SC2153,SC2154 -', "-", text, tool("shellcheck")
        )
        assert given.returncode == 0, given.stdout


def test_actions_of_others_are_pinned() -> None:
    """Each is used by its commit, beside its version; ours has a placeholder in the workflows, which are copied."""
    for path in (*ACTIONS, *WORKFLOWS):
        uses = re.findall(r"uses: .*", path.read_text("utf-8"))
        others = [use for use in uses if not OWN.search(use)]
        assert len(others) < len(uses) or path in ACTIONS
        assert [use for use in others if not PINNED_USE.search(use)] == []


def test_permissions() -> None:
    """Each workflow begins with none, and its job has no more than its work needs."""
    found = {}
    for path in WORKFLOWS:
        document = load(path)
        assert document["permissions"] == {}
        (job,) = document["jobs"].values()
        found[path.stem] = job["permissions"]
    assert found == {
        "figures": {"contents": "read"},
        "figures-accept": {"contents": "write"},
        "figures-comment": {"actions": "read", "pull-requests": "write"},
    }


def test_nothing_of_a_pull_request_is_run_with_permissions() -> None:
    """What may write checks out the branch that its people chose, or nothing."""
    comment, accept = (
        load(ROOT / "ci" / "github" / "workflows" / f"figures-{name}.yml") for name in ("comment", "accept")
    )
    assert set(comment[True]) == {"workflow_run"}
    assert set(accept[True]) == {"workflow_dispatch"}
    assert "checkout" not in str(comment["jobs"])
    checkouts = [step for step in steps_of(WORKFLOWS[0].with_name("figures-accept.yml")) if "checkout" in str(step)]
    assert [step["with"] for step in checkouts] == [{"persist-credentials": False}]


def test_sample_repository_has_the_workflow() -> None:
    """What the sample repository has is what people copy."""
    copy = ROOT / "examples" / "ci" / ".github" / "workflows" / "figures.yml"
    assert copy.read_text("utf-8") == (WORKFLOWS[0].with_name("figures.yml")).read_text("utf-8")
