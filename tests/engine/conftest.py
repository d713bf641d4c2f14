"""Every test here runs on a real engine, with the real runner image."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.support.live import IMAGE, LiveGateway, engine_url, live_gateway
from tests.support.second_engine import SecondEngine, second_engine
from tests.support.split import live_split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests marked `both_ways` with the launcher in the gateway's process and in one of its own."""
    if "way" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("both_ways") is not None
        metafunc.parametrize("way", ["one process", "split"] if marked else ["one process"], scope="module")


@pytest.fixture(scope="module")
def begin_gateway(
    way: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., contextlib.AbstractContextManager[LiveGateway]]:
    """Return what runs a gateway with given settings, one way or the other."""

    @contextlib.contextmanager
    def begin(**environment: object) -> Iterator[LiveGateway]:
        folder = tmp_path_factory.mktemp("gateway")
        if way == "split":
            with live_split(folder, **environment) as running:
                yield running.gateway
        else:
            with live_gateway(folder, **environment) as gateway:
                yield gateway

    return begin


@pytest.fixture(scope="module")
def gateway(
    begin_gateway: Callable[..., contextlib.AbstractContextManager[LiveGateway]],
) -> Iterator[LiveGateway]:
    """Return a gateway with default settings, shared by the tests of one file."""
    with begin_gateway() as running:
        yield running


@pytest.fixture(scope="session")
def own_engine() -> Iterator[SecondEngine]:
    """Return a second engine that holds the runner image; tests leave it running and awake."""
    with second_engine() as engine:
        engine.copy_image(engine_url(), IMAGE)
        yield engine
