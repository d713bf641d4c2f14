"""A Redis for each test, and nodes that share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.shared.nodes import Nodes
from tests.support.redis_server import redis_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return a running server with nothing in it."""
    with redis_server(tmp_path_factory.mktemp("r")) as server:
        yield server


@pytest.fixture
async def nodes(redis: RedisServer) -> AsyncIterator[Nodes]:
    """Return what makes nodes that share the server."""
    made = Nodes(redis.url)
    yield made
    await made.aclose()
