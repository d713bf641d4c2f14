"""The objects that the endpoints share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from gateway.cache.renders import RenderCache
    from gateway.nodes.sharing import Sharing
    from gateway.render_service import RenderService
    from gateway.settings import Settings
    from gateway.shutdown import Shutdown


@dataclass(frozen=True, slots=True)
class Context:
    """What the endpoints share.

    Attributes:
        settings: The limits of bodies, code and time.
        service: Authenticates requests and runs their jobs.
        shutdown: Whether the process was asked to end.
        renders: Results of earlier requests; None unless the operator has enabled the cache.
        sharing: What this node shares with others; None unless the operator has named a server.
    """

    settings: Settings
    service: RenderService
    shutdown: Shutdown
    renders: RenderCache | None = None
    sharing: Sharing | None = None

    @property
    def not_ready(self) -> str | None:
        """Why a render would fail now, or None."""
        return "the service is shutting down" if self.shutdown.is_requested else self.service.launcher.not_ready


CONTEXT = web.AppKey("context", Context)
