"""Does to the gateway, the engine and the containers what the plan says, one lane for each."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import docker
import requests

from tests.chaos.plan import CONTAINER_FAULTS, ENGINE_FAULTS, GATEWAY_FAULTS, Fault, FaultPlan, plan_faults
from tests.support.live import (
    LiveGateway,
    end_gateway,
    engine_client,
    free_port,
    remove_containers_of,
    start_gateway,
    until_status,
)
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.model import Judge
    from tests.support.second_engine import SecondEngine

#: Seconds a gateway may take to start, and to end.
START_LIMIT_S = END_LIMIT_S = slowed(90)

ENGINE_TROUBLE = (docker.errors.DockerException, requests.RequestException, OSError)


class Installation:
    """One installation at one address: a gateway that is ended and started again, and its engine.

    Args:
        judge: Is told of every fault.
        engine: The tests' own.
        seed: Of the plan of faults.
        tmp_path: For logs.
        settings: Of every gateway.

    Attributes:
        logs: One for each gateway there was.
    """

    def __init__(self, judge: Judge, engine: SecondEngine, seed: int, tmp_path: Path, **settings: object) -> None:
        self._judge = judge
        self.engine = engine
        self._tmp_path = tmp_path
        self._name = f"test-{secrets.token_hex(6)}"
        self.port = free_port()
        self._settings = {**settings, "PORT": self.port, "FIGBOX_METRICS_PORT": free_port()}
        #: One plan for each lane, which goes on where the last act left it.
        self._plans = {
            "gateway": plan_faults(seed, "gateway", GATEWAY_FAULTS, (3.0, 8.0), (0.0, 1.0)),
            "engine": plan_faults(seed, "engine", ENGINE_FAULTS, (4.0, 8.0), (0.5, 6.0)),
            "containers": plan_faults(seed, "containers", CONTAINER_FAULTS, (0.3, 2.0), (0.3, 5.0)),
        }
        self._gateway: LiveGateway | None = None
        self._unpausing: set[asyncio.Task[None]] = set()
        self.logs: list[Path] = []
        self.complaints: list[str] = []

    @property
    def gateway(self) -> LiveGateway:
        """The gateway of the moment."""
        assert self._gateway is not None
        return self._gateway

    async def start(self) -> None:
        """Start a gateway."""
        async with asyncio.timeout(START_LIMIT_S):
            self._gateway = await asyncio.to_thread(
                start_gateway, self._tmp_path, self.engine.url, self._name, **self._settings
            )
        self.logs.append(self.gateway.log)

    async def terminate(self) -> None:
        """End the gateway as an operator would."""
        process = self.gateway.process
        process.send_signal(signal.SIGTERM)
        try:
            status = await asyncio.to_thread(process.wait, END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.complaints.append(f"SIGTERM did not end the gateway in {END_LIMIT_S:g} s")
        else:
            if status != 0:
                self.complaints.append(f"after SIGTERM the gateway's exit status was {status}")
        await asyncio.to_thread(end_gateway, process)

    async def clear(self) -> None:
        """Remove everything, whatever happened."""
        for task in self._unpausing:
            task.cancel()
        await asyncio.gather(*self._unpausing, return_exceptions=True)
        self.engine.wake()
        if self._gateway is not None:
            await asyncio.to_thread(end_gateway, self._gateway.process)
        with contextlib.suppress(*ENGINE_TROUBLE):
            await asyncio.to_thread(remove_containers_of, self._name, self.engine.url)

    async def disturb_gateway(self, until: float) -> None:
        """Kill and end the gateway now and then, and start it again at once or a little later."""
        for plan in self._plans["gateway"]:
            if not await _is_due(plan, until):
                return
            incident = self._judge.begin(plan.fault, time.monotonic())
            if plan.fault is Fault.GATEWAY_KILL:
                await asyncio.to_thread(self.gateway.kill)
                await asyncio.to_thread(end_gateway, self.gateway.process)
            else:
                await self.terminate()
            await asyncio.sleep(plan.hold_s)
            await self.start()
            incident.ended = time.monotonic()

    async def disturb_engine(self, until: float) -> None:
        """Stop, crash and hang the engine now and then; each time all must be well again by itself."""
        for plan in self._plans["engine"]:
            if not await _is_due(plan, until):
                return
            incident = self._judge.begin(plan.fault, time.monotonic())
            begin, end = {
                Fault.ENGINE_RESTART: (self.engine.stop, self.engine.start),
                Fault.ENGINE_CRASH: (self.engine.crash, self.engine.start),
                Fault.ENGINE_HANG: (self.engine.hang, self.engine.wake),
            }[plan.fault]
            await asyncio.to_thread(begin)
            try:
                await asyncio.sleep(plan.hold_s)
            finally:
                await asyncio.to_thread(end)
            await self.until_ready()
            incident.ended = time.monotonic()

    async def disturb_containers(self, until: float) -> None:
        """Kill, remove and pause containers, whether they are being made, wait or run."""
        for plan in self._plans["containers"]:
            if not await _is_due(plan, until):
                return
            name = await asyncio.to_thread(self._ask, lambda client, pick=plan.pick: _choose(client, pick))
            if name is None:
                continue
            incident = self._judge.begin(plan.fault, time.monotonic())
            done = await asyncio.to_thread(self._ask, _deed(plan.fault, name))
            incident.ended = time.monotonic()
            if plan.fault is Fault.CONTAINER_PAUSE and done is not None:
                incident.ended = math.inf
                task = asyncio.create_task(self._unpause_later(name, plan.hold_s))
                self._unpausing.add(task)
                await asyncio.sleep(0)
                task.add_done_callback(lambda _, over=incident: setattr(over, "ended", time.monotonic()))

    async def until_unpaused(self) -> None:
        """Wait until no container is paused any more."""
        await asyncio.gather(*self._unpausing)

    async def until_ready(self) -> None:
        """Wait until the gateway says that it can render."""
        await until_status(lambda: self.gateway.get("/readyz"), 200)

    async def _unpause_later(self, name: str, hold_s: float) -> None:
        await asyncio.sleep(hold_s)

        def unpause(client: docker.APIClient) -> bool:
            try:
                client.unpause(name)
            except docker.errors.APIError as error:
                # It is gone, or runs again, or has ended: there is nothing to wake.
                return error.status_code in (404, 409, 500)
            return True

        while not await asyncio.to_thread(self._ask, unpause):  # noqa: ASYNC110 - the engine sends no events while it is away
            await asyncio.sleep(0.3)

    def _ask(self, question: Callable[[docker.APIClient], Any]) -> Any:
        """Return the engine's response, None when there is none."""
        with contextlib.suppress(*ENGINE_TROUBLE), engine_client(self.engine.url, timeout=slowed(3)) as client:
            return question(client)


async def _is_due(plan: FaultPlan, until: float) -> bool:
    """Wait for a fault's time; tell whether it comes before the end."""
    await asyncio.sleep(max(0.0, min(plan.after_s, until - time.monotonic())))
    return time.monotonic() < until


def _choose(client: docker.APIClient, pick: float) -> str | None:
    names = sorted(row["Names"][0] for row in client.containers() if row["Names"])
    return names[int(pick * len(names))].lstrip("/") if names else None


def _deed(fault: Fault, name: str) -> Callable[[docker.APIClient], bool]:
    def do(client: docker.APIClient) -> bool:
        if fault is Fault.CONTAINER_KILL:
            client.kill(name)
        elif fault is Fault.CONTAINER_REMOVE:
            client.remove_container(name, force=True)
        else:
            client.pause(name)
        return True

    return do
