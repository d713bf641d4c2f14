"""Every test here runs on a real engine, with the real runner image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.live import IMAGE, LiveGateway, engine_url, live_gateway
from tests.support.second_engine import SecondEngine, second_engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway with default settings, shared by the tests of one file."""
    with live_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="session")
def own_engine() -> Iterator[SecondEngine]:
    """Return a second engine that holds the runner image; tests leave it running and awake."""
    with second_engine() as engine:
        engine.copy_image(engine_url(), IMAGE)
        yield engine
