"""The files of `ci/`, as CI services read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from tests.documents.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CI = ROOT / "ci"
ACTIONS = tuple(sorted((CI / "github").rglob("action.yml")))
WORKFLOWS = tuple(sorted((CI / "github" / "workflows").glob("*.yml")))
GITLAB = CI / "gitlab" / "figbox.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
SCRIPTS = tuple(sorted(CI.rglob("*.sh")))

#: What a copier replaces in the workflows, and what a careful one would put there.
PLACEHOLDER, PINNED = "@TAG", f"@{'0' * 40} # v1.0.0"


def load(path: Path) -> dict[Any, Any]:
    """Return a file's YAML; of `on`, the key is True."""
    return dict(yaml.safe_load(path.read_text("utf-8")))


def steps_of(path: Path) -> list[dict[str, Any]]:
    """Return the steps of a composite action, or of the only job of a workflow."""
    document = load(path)
    if "runs" in document:
        return list(document["runs"]["steps"])
    (job,) = document["jobs"].values()
    return list(job["steps"])
