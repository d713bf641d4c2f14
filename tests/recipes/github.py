"""GitHub Actions, as far as the files of `ci/github` use it: the steps of an action or a job, run here in their order.

Commands of steps are run by the shell, with the environment and the files that GitHub gives them. What an action of
others does is done in its place (`_OTHERS`): a clone is made, a folder is kept and brought back.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.client.conftest import write
from tests.recipes.files import load, steps_of
from tests.support.command import run
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LIMIT_S = slowed(600)

#: What an action of ours is used as.
OWN = "OWNER/figbox/"

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"'(?:[^']|'')*'|[A-Za-z_][\w.-]*(?:\(\))?|&&|\|\||==|!=|!|\(|\)")


@dataclass
class Service:
    """What GitHub keeps for a repository beyond a job.

    Attributes:
        folder: For what is kept.
        figbox: The clone that `uses: OWNER/figbox/…` has.
        caches: Folders by key.
        artifacts: Folders by name.
    """

    folder: Path
    figbox: Path
    caches: dict[str, Path] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)

    def keep(self, source: Path) -> Path:
        """Copy a folder, with its links as they are; return the copy."""
        copy = self.folder / f"kept-{len(list(self.folder.glob('kept-*')))}"
        shutil.copytree(source, copy, symlinks=True)
        return copy


@dataclass
class Job:
    """A job on a machine of its own.

    Attributes:
        service: What is there beyond it.
        folder: For its workspace and temporary files.
        github: The context `github`, without the event.
        event: The event that began the run.
        variables: The environment of the machine.
        origin: The repository that `actions/checkout` clones.
        shown: What the commands printed.
    """

    service: Service
    folder: Path
    github: dict[str, Any]
    event: dict[str, Any]
    variables: Mapping[str, str]
    origin: Path | None = None
    shown: str = ""

    def __post_init__(self) -> None:
        self.workspace = self.folder / "workspace"
        self.temp = self.folder / "temp"
        self.summary = self.folder / "summary.md"
        for made in (self.workspace, self.temp):
            made.mkdir(parents=True, exist_ok=True)
        write(self.folder / "event.json", json.dumps(self.event))

    def workflow(self, path: Path, inputs: Mapping[str, Any] | None = None) -> bool:
        """Run the job of a workflow, if its condition holds; return whether it succeeded, or wasn't run."""
        (job,) = load(path)["jobs"].values()
        scope = Scope(self, dict(inputs or {}), None)
        if not scope.holds(job.get("if", "true")):
            return True
        return scope.run(job["steps"])

    def action(self, path: Path, inputs: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
        """Run a composite action; return whether it succeeded, and its outputs."""
        document = load(path)
        given = {name: entry.get("default", "") for name, entry in document["inputs"].items()}
        assert set(inputs) <= set(given), "an input that the action doesn't have"
        scope = Scope(self, given, path.parent)
        scope.inputs = {name: scope.fill(str(value)) for name, value in {**given, **inputs}.items()}
        good = scope.run(steps_of(path))
        return good, {name: scope.fill(entry["value"]) for name, entry in document.get("outputs", {}).items()}


@dataclass
class Scope:
    """The steps of one job or action, and what they see.

    Attributes:
        action: The action's folder; None for a job.
        steps: What is known of each step with an id.
    """

    job: Job
    inputs: dict[str, Any]
    action: Path | None
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_good: bool = True

    def run(self, steps: list[dict[str, Any]]) -> bool:
        """Run steps in their order; return whether all succeeded."""
        for step in steps:
            condition = str(step.get("if", "success()"))
            if not re.search(r"\b(always|success|failure)\(\)", condition):
                condition = f"success() && ({condition})"
            outcome, outputs = "skipped", dict[str, str]()
            if self.holds(condition):
                good, outputs = self._uses(step) if "uses" in step else self._command(step)
                outcome = "success" if good else "failure"
                self.is_good &= good or bool(step.get("continue-on-error"))
            if "id" in step:
                self.steps[step["id"]] = {"outcome": outcome, "outputs": outputs}
        return self.is_good

    def fill(self, text: str) -> str:
        """Return a text with its expressions replaced by their values."""

        def value(match: re.Match[str]) -> str:
            found = self._value(match[1])
            return str(found).lower() if isinstance(found, bool) else str("" if found is None else found)

        return _EXPRESSION.sub(value, text)

    def holds(self, condition: str) -> bool:
        """Tell whether a condition holds."""
        inner = _EXPRESSION.fullmatch(condition.strip())
        return bool(self._value(inner[1] if inner else condition))

    def _value(self, expression: str) -> Any:
        words = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}
        assert not _TOKEN.sub("", expression).strip(), f"an expression that isn't read here: {expression}"
        names: list[Any] = []

        def token(text: str) -> str:
            if text in words:
                return words[text]
            if text[0] in "'(=)!":
                return repr(text[1:-1].replace("''", "'")) if text[0] == "'" else text
            names.append(self._look_up(text))
            return f"_[{len(names) - 1}]"

        code = " ".join(map(token, _TOKEN.findall(expression)))
        return eval(code, {"__builtins__": {}, "_": names})  # noqa: S307 - of a file of ours

    def _look_up(self, name: str) -> Any:
        functions = {"always()": True, "success()": self.is_good, "failure()": not self.is_good}
        if name in functions:
            return functions[name]
        found: Any = {
            "github": {**self.job.github, "event": self.job.event},
            "inputs": self.inputs,
            "steps": self.steps,
            "runner": {"temp": str(self.job.temp)},
        }
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def _command(self, step: dict[str, Any]) -> tuple[bool, dict[str, str]]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        output = write(self.job.folder / "output", "")
        variables = {
            **self.job.variables,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.job.summary),
            "GITHUB_EVENT_PATH": str(self.job.folder / "event.json"),
            "GITHUB_WORKSPACE": str(self.job.workspace),
            "RUNNER_TEMP": str(self.job.temp),
            **{f"GITHUB_{name.upper()}": str(value) for name, value in self.job.github.items() if name != "token"},
            **({"GITHUB_ACTION_PATH": str(self.action)} if self.action is not None else {}),
            **{name: self.fill(str(value)) for name, value in step.get("env", {}).items()},
        }
        script = write(self.job.folder / "step.sh", step["run"])
        shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
        done = run(*shell, folder=self.job.workspace, env=variables, limit_s=LIMIT_S)
        self.job.shown += done.stdout + done.stderr
        lines = output.read_text("utf-8").splitlines()
        return done.returncode == 0, dict(line.split("=", 1) for line in lines)

    def _uses(self, step: dict[str, Any]) -> tuple[bool, dict[str, str]]:
        name = step["uses"].partition("@")[0]
        given = {key: self.fill(str(value)) for key, value in step.get("with", {}).items()}
        if name.startswith(OWN):
            return self.job.action(self.job.service.figbox / name.removeprefix(OWN) / "action.yml", given)
        return _OTHERS[name](self.job, given)


def _checkout(job: Job, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
    """Clone the repository at the run's commit, as `actions/checkout` does, with or without its history."""
    assert given["persist-credentials"] == "False"
    assert job.origin is not None
    depth = [] if given.get("fetch-depth") == "0" else ["--depth=1"]
    git = ("git", "-C", str(job.workspace))
    for call in (
        ["init", "-q"],
        ["remote", "add", "origin", f"file://{job.origin}"],
        ["fetch", "-q", *depth, "origin", "+refs/heads/*:refs/remotes/origin/*", job.github["sha"]],
        ["-c", "advice.detachedHead=false", "checkout", "-q", job.github["sha"]],
    ):
        subprocess.run([*git, *call], check=True)
    return True, {}


def _setup_python(_: Job, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
    """Name a Python, and leave that of the other steps as it is."""
    assert given["update-environment"] == "False"
    return True, {"python-path": sys.executable}


def _restore(job: Job, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
    """Bring back a folder that was kept under the key."""
    kept = job.service.caches.get(given["key"])
    if kept is None:
        return True, {"cache-hit": ""}
    shutil.copytree(kept, given["path"], dirs_exist_ok=True)
    return True, {"cache-hit": "true"}


def _save(job: Job, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
    """Keep a folder under a key."""
    job.service.caches[given["key"]] = job.service.keep(Path(given["path"]))
    return True, {}


def _upload(job: Job, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
    """Keep a folder, whose names must be such that the action takes them."""
    for path in Path(given["path"]).rglob("*"):
        assert not re.search(r'["<>:|*?\r\n]', path.name), "a name that the action refuses"
    job.service.artifacts[given["name"]] = job.service.keep(Path(given["path"]))
    return True, {}


def _download(job: Job, given: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
    """Bring back what another run kept."""
    kept = job.service.artifacts.get(given["name"])
    assert given["run-id"] == str(job.event["workflow_run"]["id"])
    if kept is None:
        return False, {}
    shutil.copytree(kept, given["path"], symlinks=True)
    return True, {}


_OTHERS: dict[str, Callable[[Job, Mapping[str, str]], tuple[bool, dict[str, str]]]] = {
    "actions/checkout": _checkout,
    "actions/setup-python": _setup_python,
    "actions/cache/restore": _restore,
    "actions/cache/save": _save,
    "actions/upload-artifact": _upload,
    "actions/download-artifact": _download,
}


def others() -> Iterator[str]:
    """Yield the actions that are done here."""
    yield from _OTHERS


def used(path: Path) -> Iterator[str]:
    """Yield the actions that a file uses, without their versions."""
    document = yaml.safe_load(path.read_text("utf-8"))
    yield from re.findall(r"'uses': '([^@']+)@", str(document))
