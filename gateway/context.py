"""What the endpoints work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from gateway.cache.renders import RenderCache
    from gateway.render_service import RenderService
    from gateway.settings import Settings
    from gateway.shutdown import Shutdown


@dataclass(frozen=True, slots=True)
class Context:
    """What the endpoints work with.

    Attributes:
        settings: The limits of bodies, code and time.
        service: Lets requests in and runs their jobs.
        shutdown: Whether the process is asked to end.
        renders: Results of earlier requests; None unless the operator has switched the cache on.
    """

    settings: Settings
    service: RenderService
    shutdown: Shutdown
    renders: RenderCache | None = None

    @property
    def not_ready(self) -> str | None:
        """Why a render would fail now, or None if it would not."""
        return "the service is shutting down" if self.shutdown.is_requested else self.service.launcher.not_ready


CONTEXT = web.AppKey("context", Context)
