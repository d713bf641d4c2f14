"""Repeats the self-test while the service runs, and keeps the last verdict.

A kernel, an engine or a runtime can change under a running service. So the self-test of the start is repeated now and
then, and before jobs are accepted again after the engine was away. A sandbox that doesn't hold stops all jobs until it
holds again; a self-test that the engine failed proves nothing either way, and is repeated soon.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from loguru import logger

from gateway.model.errors import EngineError

if TYPE_CHECKING:
    from gateway.launcher.selftest.verdict import Verdict

#: Seconds until the next self-test when the last one found a gap or could not finish.
RETRY_S = 30.0


class Repeatable(Protocol):
    """A self-test; see `gateway.launcher.selftest.selftest.SelfTest`."""

    async def run(self) -> Verdict:
        """Run it; raises EngineError when the engine failed."""


class Monitor:
    """Keeps the newest verdict on one sandbox.

    Args:
        self_test: Gives the next verdict.
        verdict: The one of the start.
        period_s: Seconds between self-tests.
    """

    def __init__(self, self_test: Repeatable, verdict: Verdict, period_s: float) -> None:
        self._self_test = self_test
        self._period_s = period_s
        self._alone = asyncio.Lock()
        #: Set when a self-test found a gap or could not finish, whatever asked for it: the next one is due soon.
        self._hurry = asyncio.Event()
        self.verdict = verdict

    @property
    def reason(self) -> str | None:
        """Why no job may run, or None."""
        return self.verdict.reason

    async def renew(self) -> bool:
        """Run the self-test now; return whether it gave a verdict."""
        async with self._alone:
            held = self.verdict.holds
            try:
                self.verdict = await self._self_test.run()
            except EngineError as error:
                logger.warning("self-test not finished", reason=str(error), cause=error.cause)
                self._hurry.set()
                return False
        if not self.verdict.holds:
            self._hurry.set()
            logger.error("sandbox does not hold", gaps=self.verdict.gaps)
        elif not held:
            logger.info("sandbox holds again")
        return True

    async def keep_fresh(self) -> None:
        """Repeat the self-test for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._period_s):
                    await self._hurry.wait()
                await asyncio.sleep(min(self._period_s, RETRY_S))
            self._hurry.clear()
            await self.renew()
