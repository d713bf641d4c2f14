"""What the engine's client holds open."""

from __future__ import annotations

import os

import pytest

from gateway.launcher.engine.docker_engine import END_THREADS, DockerEngine
from tests.support.live import engine_url
from tests.support.machine import slowed

pytestmark = pytest.mark.engine


def count_descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def test_each_thread_keeps_one_connection() -> None:
    """However many containers the engine was asked about, each thread keeps one connection at most."""
    engine = DockerEngine(engine_url(), timeout_s=slowed(20))
    before = count_descriptors()
    try:
        for number in range(60):
            await engine.remove(f"figbox-no-such-container-{number}")
        assert count_descriptors() - before <= END_THREADS
    finally:
        engine.close()
