"""Forked runners are like their containers' process 1 in everything, or are refused; and how they live and end."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.docker_engine import DockerEngine
from gateway.launcher.engine.specification import LABEL_INSTALLATION, TEMPLATE, Sandbox
from gateway.launcher.fork.forking_maker import ForkingMaker
from gateway.launcher.fork.template import TemplateFailed
from gateway.launcher.runner.frames import encode_job
from gateway.launcher.runner.reply import ReplyReader
from gateway.model.jobs import Job, Limits
from gateway.model.results import Outcome
from tests.fakes import until
from tests.support.command import start_and_fail
from tests.support.live import (
    IMAGE,
    LiveGateway,
    containers_of,
    engine_client,
    engine_url,
    live_gateway,
    remove_containers_of,
)
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from gateway.launcher.container import Container
    from tests.support.second_engine import SecondEngine

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"


@dataclass(frozen=True)
class DoctoredSandbox(Sandbox):
    """A sandbox whose template runs some lines of Python first: what it then leaves out has to be noticed."""

    doctoring: str = ""

    def template_config(self) -> dict[str, Any]:
        """Return the template's create body, with its program doctored."""
        program = (
            "import os, sys; sys.path.insert(0, '/opt/figbox'); import template\n"
            f"{self.doctoring}\n"
            "sys.exit(template.main(['template']))"
        )
        return {**super().template_config(), "Entrypoint": [*TEMPLATE[:-1], "-c", program]}


@asynccontextmanager
async def maker(doctoring: str = "") -> AsyncIterator[ForkingMaker]:
    """Yield a maker of forked runners on the engine under test; nothing of it stays."""
    engine = DockerEngine(engine_url(), slowed(30))
    instance = secrets.token_hex(6)
    try:
        image_id = await engine.image_id(IMAGE)
        assert image_id is not None
        making = ForkingMaker(
            engine, DoctoredSandbox(image_id, Limits(), None, instance, instance, 60, doctoring=doctoring), 30
        )
        try:
            yield making
        finally:
            await making.aclose()
    finally:
        engine.close()
        left = containers_of(instance, engine_url())
        remove_containers_of(instance, engine_url())
        assert left == []


async def unmake(making: ForkingMaker, container: Container) -> None:
    """Remove a container as the pool does."""
    container.conversation.close()
    await making.remove(container)
    making.forget(container)


WITHOUT_PROCESS_IDS = """
real_enter = template.enter
template.enter = lambda handle: 'pid' in os.readlink(f'/proc/self/fd/{handle}') or real_enter(handle)
"""

#: Step that a child is not taken through -> what has to be noticed.
LEFT_OUT = {
    "template.drop_privileges = lambda wanted: None": "Uid",
    "os.setgroups = lambda groups: real_setgroups([0])": "Groups",
    "os.setresgid = lambda *ids: None": "Gid",
    "template.libc = Keeping(template.libc, 'capset')": "",  # changing the user has emptied the sets already
    "template.apply_filter = lambda code: None": "the system call filter",
    "template.apply_filter = lambda code: real_apply(code[:8] + code)": "the system call filter",
    "os.closerange = lambda *ends: None": "fd",
    "real_umask = os.umask; os.umask = lambda mask: real_umask(0o77)": "Umask",
    "template.resource.setrlimit = lambda kind, limit: None": "limits",
    **{
        f"template.OWN_NAMESPACES = tuple(n for n in template.OWN_NAMESPACES if n != '{name}')": f"ns/{name}"
        for name in ("cgroup", "ipc", "uts", "net")
    },
    "template.OWN_NAMESPACES = template.OWN_NAMESPACES[:-1]; template.cheap_import.lay_out_font_list = int": "ns/mnt",
    WITHOUT_PROCESS_IDS: "ns/pid",
    "import mmap; kept = mmap.mmap(-1, 4096)": "shared memory",
}

#: What the doctoring above builds on.
TOOLS = """
real_setgroups, real_apply = os.setgroups, template.apply_filter
class Keeping:
    def __init__(self, libc, name): self.__dict__.update(libc=libc, name=name)
    def __getattr__(self, name): return (lambda *_: 0) if name == self.name else getattr(self.libc, name)
"""


@pytest.mark.parametrize("step", LEFT_OUT)
async def test_step_left_out_is_noticed(step: str) -> None:
    """A runner that was not taken through one of its steps gets no job: the difference is seen from outside."""
    async with maker(TOOLS + step) as making:
        if not LEFT_OUT[step]:
            await unmake(making, await making.make())
            return
        with pytest.raises(TemplateFailed) as caught:
            await making.make()
        assert LEFT_OUT[step] in str(caught.value)


async def test_bounding_set_is_compared() -> None:
    """A capability that could be regained is a difference, though no process has it now."""
    async with maker(TOOLS + "template.PR_CAPBSET_DROP = 23  # reads instead of dropping") as making:
        with pytest.raises(TemplateFailed, match="CapBnd"):
            await making.make()


async def test_other_control_groups_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that stayed in the template's control groups would be held by none of its own limits."""
    monkeypatch.setattr("gateway.launcher.fork.template.confine", lambda stub, runner: None)
    async with maker() as making:
        with pytest.raises(TemplateFailed, match="cgroup"):
            await making.make()


async def test_runners_share_no_random_state() -> None:
    """Two runners of one template draw different random numbers, in every way that programs do it."""
    code = (
        "import random; raise SystemExit(repr((random.random(), np.random.random(), np.random.default_rng().random())))"
    )
    async with maker() as making:
        texts = []
        for _ in range(2):
            container = await making.make()
            job, limits = Job(code), Limits()
            reader = ReplyReader(job, limits.output_limit_bytes)
            frames = encode_job(job, limits)
            reply = await container.conversation.exchange(frames, reader, limits.output_limit_bytes)
            assert reply.outcome is Outcome.PROGRAM_ERROR
            texts.append(reply.error)
            await unmake(making, container)
    first, second = (text[text.rindex("(") + 1 : text.rindex(")")].split(", ") for text in texts)
    assert len(first) == 3
    assert not set(first) & set(second)


async def test_dead_template_is_replaced() -> None:
    """A template that is killed fails the make under way at most; then there is another one."""
    async with maker() as making:
        await unmake(making, await making.make())
        assert making._template_id is not None
        with engine_client() as client:
            client.kill(making._template_id)
        await until(lambda: making._link is None or making._link.lost.done(), "its end was noticed")
        await unmake(making, await making.make())


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway whose runners are forked."""
    with live_gateway(tmp_path_factory.mktemp("fork"), FIGBOX_WARM_START="fork", FIGBOX_POOL_SIZE=2) as running:
        yield running


@pytest.mark.parametrize(
    ("code", "outcome", "text"),
    [
        ("import os; os._exit(3)", "invalid_output", "status 3"),
        ("import os; os.kill(os.getpid(), 9)", "killed", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "killed", "SIGSEGV"),
        ("import os; os.abort()", "killed", "SIGABRT"),
        ("import os, signal; os.kill(1, signal.SIGKILL); 1/0", "program_error", "ZeroDivisionError"),
    ],
)
async def test_ends_are_told_apart(forking: LiveGateway, code: str, outcome: str, text: str) -> None:
    """How a forked runner ended is known, though the engine sees process 1 alone; and process 1 can't be killed."""
    response = await forking.render(code)
    assert response.json["outcome"] == outcome
    assert text in response.json["error"]


async def test_same_picture_as_by_import(forking: LiveGateway, tmp_path: Path) -> None:
    """A forked runner draws to the byte what one that imported for itself draws."""
    code = "plt.plot(np.arange(5) ** 2); plt.title('$x^2$ and 中文'); plt.figtext(.5, .5, 'a')"
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1) as importing:
        assert (await forking.render(code)).body == (await importing.render(code)).body


async def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    """An orderly end removes the containers, the template's included."""
    with live_gateway(tmp_path, FIGBOX_WARM_START="fork", FIGBOX_POOL_SIZE=2) as gateway:
        assert (await gateway.render(PLOT)).status == 200
        assert any("template" in name for name in containers_of(gateway.installation, gateway.docker_host))
        assert gateway.terminate() == 0
        assert containers_of(gateway.installation, gateway.docker_host) == []


async def test_all_end_by_themselves_when_the_gateway_is_killed(tmp_path: Path) -> None:
    """After SIGKILL the template and every container end, also one whose guest keeps its stdin open by a trick."""
    hold = "import os, time\nkept = os.open('/proc/self/fd/100', os.O_RDONLY)\nwhile True: time.sleep(1)"
    with (
        engine_client() as client,
        live_gateway(tmp_path, FIGBOX_WARM_START="fork", FIGBOX_POOL_SIZE=1) as gateway,
    ):
        await gateway.until_metric("figbox_pool_idle", 1)
        task = asyncio.create_task(gateway.render(hold))
        await gateway.until_metric('figbox_pool_events_total{event="warm"}', 1)
        gateway.kill()
        await asyncio.gather(task, return_exceptions=True)
        ours = {"label": f"{LABEL_INSTALLATION}={gateway.installation}"}
        await until(lambda: client.containers(filters=ours) == [], "everything has ended by itself", slowed(15))
        with live_gateway(tmp_path, FIGBOX_POOL_SIZE=0, FIGBOX_INSTALLATION=gateway.installation) as successor:
            assert containers_of(successor.installation, successor.docker_host) == []


async def test_engine_that_crashed_gets_another_template(tmp_path: Path, own_engine: SecondEngine) -> None:
    """After an engine's crash pictures come again, and nothing is left of the old template."""
    with live_gateway(
        tmp_path,
        docker_host=own_engine.url,
        FIGBOX_WARM_START="fork",
        FIGBOX_POOL_SIZE=1,
        FIGBOX_ENGINE_TIMEOUT_S=slowed(2),
        FIGBOX_SWEEP_PERIOD_S=1,
    ) as gateway:
        assert (await gateway.render(PLOT)).status == 200
        own_engine.crash()
        own_engine.start()
        await gateway.until_rendered(PLOT)
        await until(lambda: own_engine.counts()["containers"] == 2, "one warm container and one template are left")


async def test_stub_outlasts_no_guest(tmp_path: Path) -> None:
    """The stub's own deadline ends a container, whatever its guest does: it is the outermost deadline."""
    async with maker() as making:
        sandbox = replace(making._sandbox, idle_limit_s=1, limits=Limits(wall_limit_s=0.5))
        config = sandbox.stub_config(20_001)
        assert float(config["Cmd"][0]) == 2 + 20


def test_host_that_does_not_allow_it_is_one_sentence(tmp_path: Path) -> None:
    """Where a forked runner can't be made like process 1, the gateway doesn't start, and says what to set."""
    starting = "import gateway.launcher.fork.forking_maker as m, gateway.__main__ as g, sys\n"
    blind = (
        "m.read_call_filter = lambda process_id: (_ for _ in ()).throw(PermissionError(1, 'Operation not permitted'))"
    )
    settings = {"FIGBOX_WARM_START": "fork", "FIGBOX_INSTALLATION": f"test-{secrets.token_hex(6)}"}
    sentence = start_and_fail("-c", f"{starting}{blind}\nsys.exit(g.main())", DOCKER_HOST=engine_url(), **settings)
    assert "FIGBOX_WARM_START=import" in sentence
