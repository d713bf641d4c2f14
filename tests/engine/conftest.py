"""Every test here runs on a real engine, with the real runner image."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.support.deployment import DeployedGateway, deployment
from tests.support.live import LiveGateway, live_gateway
from tests.support.second_engine import SecondEngine, second_engine
from tests.support.split import live_split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run marked tests in more ways: with the launcher in a process of its own, and through the compose deployment."""
    if "way" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        ways = [
            "one process",
            *([pytest.param("split", marks=pytest.mark.variant)] if "both_ways" in marks else []),
            *([pytest.param("compose", marks=pytest.mark.compose)] if "deployed" in marks else []),
        ]
        metafunc.parametrize("way", ways, scope="module")


@pytest.fixture(scope="module")
def begin_gateway(
    way: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., contextlib.AbstractContextManager[LiveGateway]]:
    """Return a function that runs a gateway with given settings, in the way that the test asks for."""

    @contextlib.contextmanager
    def begin(**environment: object) -> Iterator[LiveGateway]:
        folder = tmp_path_factory.mktemp("gateway")
        if way == "compose":
            with deployment(folder, **environment) as deployed:
                yield DeployedGateway(deployed, folder / "no.log")
        elif way == "split":
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
    with second_engine(with_image=True) as engine:
        yield engine
