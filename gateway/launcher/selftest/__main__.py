"""`python -m gateway.launcher.selftest`: runs the self-test of the sandbox once, on the configured engine.

It runs the checks that the service runs, beside a running service or without one, and needs access to the engine's
socket. The exit status is 0 if the sandbox holds, 1 if it doesn't, and 2 if it can't be tested: a bad setting, no
engine, no image.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from loguru import logger

from gateway.launcher.engine.docker_engine import DockerEngine, find_engine_url
from gateway.launcher.selftest.selftest import SelfTest, find_sandbox
from gateway.launcher.selftest.verdict import merged
from gateway.model.errors import EngineError, StartError
from gateway.settings import LauncherSettings, load

if TYPE_CHECKING:
    from gateway.launcher.selftest.verdict import Verdict

HOLDS, DOES_NOT_HOLD, NOT_TESTED = 0, 1, 2


class SelfTestSettings(LauncherSettings):
    """The settings that describe the sandbox; this process listens nowhere."""

    @property
    def _address(self) -> str:
        return ""


def main() -> int:
    """Test, print the table, and return the exit status."""
    logger.remove()  # the table says it all
    try:
        verdict = asyncio.run(run(load(SelfTestSettings)))
    except (StartError, EngineError) as error:
        cause = f" ({error.cause})" if isinstance(error, EngineError) and error.cause else ""
        sys.stderr.write(f"figbox: the sandbox can't be tested: {error}{cause}\n")
        return NOT_TESTED
    sys.stdout.write(table(verdict))
    return HOLDS if verdict.holds else DOES_NOT_HOLD


async def run(settings: LauncherSettings) -> Verdict:
    """Test the sandbox that the settings describe, in every environment.

    Raises:
        StartError: The engine can't be used as configured.
        EngineError: The engine can't be reached, or failed.
    """
    engine = DockerEngine(find_engine_url(settings.docker_host), settings.engine_timeout_s)
    try:
        verdicts = {}
        for name, own in settings.environments.items():
            _, sandbox = await find_sandbox(engine, own, secrets.token_hex(8))
            # Under another name: a service's self-test takes what it finds under its own name for a crash's leftovers.
            by_hand = replace(sandbox, installation=f"{sandbox.installation}.by-hand")
            verdicts[name] = await SelfTest(engine, by_hand, name).run()
        return merged(verdicts)
    finally:
        engine.close()


def table(verdict: Verdict) -> str:
    """Return a verdict for a person to read: a line for each check, and its gaps below."""
    lines = []
    for check in verdict.checks:
        lines.append(f"{'holds' if check.holds else 'GAP  '}  {check.name}")
        lines += [f"       {gap}" for gap in check.gaps]
    lines.append(f"\nThe sandbox {'holds' if verdict.holds else 'does not hold'} ({verdict.duration_s:.1f} s).")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
