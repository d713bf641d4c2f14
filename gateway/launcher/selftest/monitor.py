"""Keeps the verdict on a sandbox fresh while the service runs, and says when it no longer holds.

A kernel, an engine or a runtime can be changed under a running service. So the self-test of the start is repeated now
and then, and before jobs are taken again after the engine was away. A verdict that doesn't hold stops all jobs until
one holds; a self-test that the engine itself failed proves nothing either way, and is tried again soon.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from loguru import logger

from gateway.model.errors import EngineError

if TYPE_CHECKING:
    from gateway.launcher.selftest.verdict import Verdict

#: Seconds until the next try when the last one failed, or came to nothing.
RETRY_S = 30.0


class Test(Protocol):
    """What can be tested again; see `gateway.launcher.selftest.selftest.SelfTest`."""

    async def run(self) -> Verdict:
        """Test, and return what came of it; raises EngineError when the engine failed meanwhile."""


class Proof:
    """The newest verdict on a sandbox.

    Args:
        test: How to come to another.
        verdict: The one of the start.
        period_s: Seconds between self-tests.
    """

    def __init__(self, test: Test, verdict: Verdict, period_s: float) -> None:
        self._test = test
        self._period_s = period_s
        self._alone = asyncio.Lock()
        #: Set when a test failed, or came to nothing: whoever asked for it, the next one is due soon.
        self._hurry = asyncio.Event()
        self.verdict = verdict

    @property
    def reason(self) -> str | None:
        """Why no job may be run, or None."""
        return self.verdict.reason

    async def renew(self) -> bool:
        """Test now; return whether there is a new verdict."""
        async with self._alone:
            held = self.verdict.holds
            try:
                self.verdict = await self._test.run()
            except EngineError as error:
                logger.warning("self-test not finished", reason=str(error), cause=error.cause)
                self._hurry.set()
                return False
        if not self.verdict.holds:
            self._hurry.set()
            logger.error("sandbox does not hold", faults=self.verdict.faults)
        elif not held:
            logger.info("sandbox holds again")
        return True

    async def keep_fresh(self) -> None:
        """Test again and again, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._period_s):
                    await self._hurry.wait()
                await asyncio.sleep(min(self._period_s, RETRY_S))
            self._hurry.clear()
            await self.renew()
