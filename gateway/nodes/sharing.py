"""What this node shares with others by a Redis that the operator names, put together."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.cache.shared_renders import ENTRY_LIMIT, SharedRenders
from gateway.keys.revocations import RevocationList, Revocations
from gateway.keys.shared_budgets import SharedBudgets
from gateway.model.jobs import MiB
from gateway.shared.shared_server import SharedServer, SharedServerGone

if TYPE_CHECKING:
    from gateway.keys.budgets import Budgets
    from gateway.keys.live_keyring import LiveKeyring
    from gateway.observability.metrics import Metrics
    from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a node shares.

    Attributes:
        server: Decides on allowances, and has revocations.
        budgets: What each key has used on all nodes.
        revocations: Keep the keyring up to date.
        renders: What nodes keep for each other; None unless the operator has enabled it.
    """

    server: SharedServer
    budgets: SharedBudgets
    revocations: Revocations
    renders: SharedRenders | None

    @property
    def state(self) -> str:
        """`up`, or `gone` while this node goes on by itself."""
        return "up" if self.server.is_up else "gone"

    async def begin(self) -> None:
        """Ask the server for the first time, so that the first request finds it in use."""
        await self._exchange()

    async def watch(self) -> None:
        """Exchange with the server what others must know soon, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.server.watch(self._exchange))
            if self.renders is not None:
                group.create_task(self.server.watch(self.renders.probe))

    async def aclose(self) -> None:
        """Settle what jobs have used, and close the connections."""
        await self.budgets.aclose()
        await self.server.aclose()
        if self.renders is not None:
            await self.renders.aclose()

    async def _exchange(self) -> None:
        with suppress(SharedServerGone):
            await self.revocations.exchange()
            await self.budgets.send_charges()


def make_sharing(settings: Settings, keyring: LiveKeyring, own: Budgets, metrics: Metrics) -> Sharing:
    """Return what a node with these settings shares, which name a server.

    Args:
        settings: Of the node.
        keyring: Its keys.
        own: What it goes by while it can't ask.
        metrics: Where calls are counted.
    """
    assert settings.shared_url is not None  # noqa: S101 - the caller looked
    assert settings.shared_secret is not None  # noqa: S101 - checked with it
    url, secret = settings.shared_url.get_secret_value(), settings.shared_secret.get_secret_value()
    server = SharedServer(url, secret, "allowances", metrics.count_shared_call)
    renders = None
    if settings.shared_cache_mib:
        renders = SharedRenders(
            SharedServer(url, secret, "renders", metrics.count_shared_call),
            settings.shared_cache_mib * MiB,
            settings.shared_cache_s,
            min(ENTRY_LIMIT, settings.output_limit_mib * MiB),
        )
    budgets = SharedBudgets(server, own, settings.queue_wait_s)
    return Sharing(server, budgets, Revocations(RevocationList(server), keyring), renders)
