"""The body of a create call, where that is not for `tests/spec_lines` to try."""

from __future__ import annotations

from gateway.launcher.engine.specification import UID_FIRST, Sandbox
from gateway.model.jobs import Limits


def test_security_options_are_in_a_lasting_form() -> None:
    """None has a value after a colon: engines warn of that form at every container, and mean to refuse it one day."""
    config = Sandbox("sha256:0", Limits(), None, "here", "now", 60).job_config(UID_FIRST)
    options = config["HostConfig"]["SecurityOpt"]
    assert [option.partition("=")[0] for option in options] == ["no-new-privileges", "seccomp"]
