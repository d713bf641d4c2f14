"""What code finds is Python as it is elsewhere: asserts, documentation, event loops, threads, files, a user's name.

Every program is run by a runner that imports and by one that was restored. Each checks itself.
"""

from __future__ import annotations

import json
import textwrap
import uuid
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.support.live import IMAGE, engine_client, live_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

LABEL = f"figbox.test.plain-python.{uuid.uuid4().hex}"

NO_CHILDREN = "no child processes here"

#: Programs that end in an error unless everything is as it should be.
PROGRAMS = {
    # Python without -O.
    "flags": "import sys\nassert __debug__ and sys.flags.optimize == 0",
    "asserts in exec": """
        try:
            exec("assert False, 'seen'")
        except AssertionError as error:
            assert str(error) == "seen"
        else:
            raise SystemExit("skipped")
        """,
    "asserts in libraries": """
        from numpy.testing import assert_allclose
        import inspect, matplotlib.cbook
        assert "assert" in inspect.getsource(matplotlib.cbook)
        try:
            eval(compile("[1 for _ in (1,) if __debug__][0]", "x", "eval")), assert_allclose(1, 2)
        except AssertionError:
            pass
        else:
            raise SystemExit("skipped")
        """,
    "asserts in packages": """
        import os, sys
        sys.path.insert(0, os.getcwd())
        os.mkdir("package")
        open("package/__init__.py", "w").write("'About it.'\\nassert False, 'seen'")
        try:
            import package
        except AssertionError as error:
            assert str(error) == "seen"
        else:
            raise SystemExit("skipped")
        """,
    "documentation": """
        import json, statistics, pandas as pd, scipy.stats
        things = plt.hist, plt.plot, np.mean, np.array, pd.DataFrame.plot, statistics.mean, scipy.stats.norm.pdf
        for thing in (*things, json.dumps, plt.Line2D.set, plt.Axes.annotate, plt.Figure):
            assert len(thing.__doc__) > 80, thing
        assert "linewidth or lw: float" in plt.plot.__doc__
        plt.plot.__doc__ += "More."
        """,
    "signatures": """
        import inspect
        assert "linewidth" in inspect.signature(plt.Line2D.set).parameters
        class Mine(plt.Line2D):
            "A line."
            def set_mine(self, value):
                "Set it."
        assert "mine" in inspect.signature(Mine.set).parameters and "linewidth" in Mine.set.__doc__
        """,
    # Event loops.
    "asyncio.run": """
        import asyncio
        async def square(n):
            await asyncio.sleep(0.01)
            return n * n
        async def main():
            return await asyncio.gather(*(square(n) for n in range(5)))
        assert asyncio.run(main()) == [0, 1, 4, 9, 16]
        """,
    "asyncio.to_thread": """
        import asyncio, time
        async def main():
            return await asyncio.to_thread(lambda: time.sleep(0.1) or [1, 3, 2])
        assert asyncio.run(main()) == [1, 3, 2]
        """,
    "loops by hand": """
        import asyncio
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        assert asyncio.get_event_loop() is loop
        loop.call_later(0.01, loop.stop)
        loop.run_forever()
        async def one():
            return 1
        assert loop.run_until_complete(one()) == 1
        assert loop.run_until_complete(loop.run_in_executor(None, sum, [1, 2])) == 3
        loop.close()
        with asyncio.Runner() as runner:
            assert runner.run(one()) == 1
        """,
    "timeouts, groups, queues": """
        import asyncio
        async def main():
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.sleep(10)
            except TimeoutError:
                pass
            try:
                await asyncio.wait_for(asyncio.Event().wait(), 0.01)
            except asyncio.TimeoutError:
                pass
            queue = asyncio.Queue()
            async with asyncio.TaskGroup() as group:
                group.create_task(queue.put(5))
                taken = group.create_task(queue.get())
            return taken.result()
        assert asyncio.run(main()) == 5
        """,
    "signal handlers": """
        import asyncio, os, signal
        async def main():
            seen = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, seen.set)
            os.kill(os.getpid(), signal.SIGUSR1)
            await asyncio.wait_for(seen.wait(), 5)
        asyncio.run(main())
        """,
    "calls from threads": """
        import asyncio, threading
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        async def answer():
            return 42
        assert asyncio.run_coroutine_threadsafe(answer(), loop).result(5) == 42
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        """,
    "streams over a pair": """
        import asyncio, socket
        async def main():
            ours, theirs = socket.socketpair()
            reader, writer = await asyncio.open_connection(sock=ours)
            theirs.sendall(b"a line\\n")
            return await reader.readline()
        assert asyncio.run(main()) == b"a line\\n"
        """,
    "many loops": "import asyncio\nfor _ in range(300):\n    asyncio.run(asyncio.sleep(0))",
    # Threads that look like processes.
    "ThreadPool": """
        from multiprocessing.pool import ThreadPool
        with ThreadPool(4) as pool:
            assert pool.map(lambda n: n * n, range(9)) == [n * n for n in range(9)]
            assert sorted(pool.imap_unordered(abs, [-1, -2])) == [1, 2]
            assert pool.apply_async(pow, (2, 5)).get(5) == 32
        """,
    "multiprocessing.dummy": """
        from multiprocessing.dummy import Pool, Process, Queue, Lock
        with Pool(3) as pool:
            assert pool.map(abs, range(-3, 0)) == [3, 2, 1]
        queue = Queue()
        process = Process(target=queue.put, args=(7,))
        process.start(), process.join()
        with Lock():
            assert queue.get() == 7
        """,
    "shared things for threads": """
        import multiprocessing as mp, threading, time
        lock, recursive, event, queue = mp.Lock(), mp.RLock(), mp.Event(), mp.Queue()
        condition, semaphore, barrier = mp.Condition(), mp.BoundedSemaphore(2), threading.Barrier(2)
        def work():
            with lock, recursive, recursive, semaphore:
                queue.put(1)
            barrier.wait(5)
            event.set()
            with condition:
                condition.notify_all()
        thread = threading.Thread(target=work)
        with condition:
            thread.start()
            barrier.wait(5)
            assert condition.wait(5)
        assert event.wait(5) and queue.get(timeout=5) == 1
        thread.join()
        assert lock.acquire() and not lock.acquire(block=False) and not lock.acquire(timeout=0.01)
        lock.release()
        for wrong, kind in ((lock, ValueError), (recursive, AssertionError), (semaphore, ValueError)):
            try:
                wrong.release()
            except kind:
                pass
            else:
                raise SystemExit(f"released twice: {wrong}")
        first, second = mp.Pipe()
        first.send({"a": 1})
        assert second.recv() == {"a": 1}
        queue.close(), queue.join_thread()
        """,
    "concurrent.futures": """
        from concurrent.futures import ThreadPoolExecutor, as_completed
        with ThreadPoolExecutor(4) as pool:
            assert sorted(f.result() for f in as_completed([pool.submit(pow, n, 2) for n in range(4)])) == [0, 1, 4, 9]
        """,
    # Programs that aren't there, and processes that can't be.
    "a program that isn't there": """
        import subprocess
        for call in (subprocess.run, subprocess.check_output, subprocess.call, subprocess.Popen):
            try:
                call(["git", "rev-parse", "HEAD"])
            except FileNotFoundError as error:
                assert error.filename == "git", error.filename
            else:
                raise SystemExit("there is git")
        try:
            subprocess.run(["/none/git"])
        except FileNotFoundError as error:
            assert error.filename == "/none/git"
        open("data", "w").close()
        try:
            subprocess.run(["./data"])
        except PermissionError as error:
            assert error.errno == 13, error
        """,
    "processes by every name": f"""
        import asyncio, multiprocessing, os, subprocess, sys
        from concurrent.futures import ProcessPoolExecutor
        TRUE = [sys.executable, "-c", "pass"]
        def in_a_pool():
            with ProcessPoolExecutor(2) as pool:
                return pool.submit(int).result(5)
        ways = [
            lambda: subprocess.run(TRUE), lambda: subprocess.run("true", shell=True, executable=sys.executable),
            lambda: os.posix_spawn(sys.executable, TRUE, {{}}), lambda: os.posix_spawnp("python3", TRUE, {{}}),
            lambda: os.spawnl(os.P_WAIT, sys.executable, "python3"), os.fork, os.forkpty, in_a_pool,
            lambda: multiprocessing.Pool(2), lambda: multiprocessing.Process(target=int).start(),
            lambda: multiprocessing.get_context("spawn").Pool(1), lambda: multiprocessing.Manager(),
            lambda: multiprocessing.get_context("forkserver").Process(target=int).start(),
            lambda: asyncio.run(asyncio.create_subprocess_exec(*TRUE)),
        ]
        for number, way in enumerate(ways):
            try:
                way()
            except PermissionError as error:
                assert "{NO_CHILDREN}" in str(error), (number, error)
            else:
                raise SystemExit(f"number {{number}} started")
        """,
    # A home in order.
    "user": """
        import getpass, grp, os, pathlib, pwd
        assert getpass.getuser() == os.environ["USER"] == os.environ["LOGNAME"] == "job"
        entry = pwd.getpwuid(os.getuid())
        assert (entry.pw_name, entry.pw_uid, entry.pw_dir) == ("job", os.getuid(), os.environ["HOME"]), entry
        assert pwd.getpwnam("job") == entry and pwd.getpwuid(0).pw_name == "root"
        assert grp.getgrgid(os.getgid()).gr_name == "job"
        for name, function in ((-5, pwd.getpwuid), ("nobody there", pwd.getpwnam)):
            try:
                function(name)
            except KeyError:
                pass
            else:
                raise SystemExit("found")
        home = pathlib.Path.home()
        assert str(home) == os.path.expanduser("~") == os.path.expanduser("~job")
        (home / ".config" / "mine").mkdir(parents=True)
        (home / ".config" / "mine" / "file").write_text("1")
        path = pathlib.Path("a")
        path.touch()
        assert (path.owner(), path.group()) == ("job", "job")
        """,
    "one's own files": """
        import os, pathlib, shutil, stat, tempfile, zipfile
        open("a.txt", "w").write("1")
        os.makedirs("tree/below")
        open("tree/below/f", "w").write("1")
        shutil.copytree("tree", "tree2")
        os.utime("a.txt"), os.utime("a.txt", (1, 2)), os.utime("tree", ns=(3, 4))
        assert os.stat("a.txt").st_mtime == 2
        for mode in (0o600, 0o755, 0o444, 0o1777):
            os.chmod("a.txt", mode)
            assert stat.S_IMODE(os.stat("a.txt").st_mode) == mode
        os.chmod("tree", 0o700)
        with open("a.txt") as file:
            os.chmod(file.fileno(), 0o640)
        pathlib.Path("a.txt").chmod(0o600)
        assert (shutil.copy("a.txt", "b.txt"), shutil.copy2("a.txt", "c.txt")) == ("b.txt", "c.txt")
        assert os.stat("c.txt").st_mtime == 2
        shutil.copymode("a.txt", "b.txt"), shutil.copystat("a.txt", "b.txt"), shutil.move("c.txt", "d.txt")
        pathlib.Path("a.txt").touch(), pathlib.Path("new.txt").touch()
        shutil.make_archive("archive", "zip", "tree")
        shutil.make_archive("archive", "gztar", "tree")
        shutil.unpack_archive("archive.zip", "out"), shutil.unpack_archive("archive.tar.gz", "out2", filter="data")
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
            shutil.copy2(file.name, folder)
        for mode in (0o4755, 0o2755, 0o6777):
            try:
                os.chmod("a.txt", mode)
            except PermissionError:
                pass
            else:
                raise SystemExit("set-id")
        """,
    "locales": """
        import locale, time
        numbers = {
            "en_US": "1,234,567.50", "en_GB": "1,234,567.50", "de_DE": "1.234.567,50", "es_ES": "1.234.567,50",
            "fr_FR": "1\u202f234\u202f567,50", "pt_BR": "1.234.567,50",
            "ja_JP": "1,234,567.50", "zh_CN": "1,234,567.50",
        }
        for name, number in numbers.items():
            for spelling in (f"{name}.UTF-8", f"{name}.utf8", name, (name, "UTF-8")):
                locale.setlocale(locale.LC_ALL, spelling)
                assert locale.format_string("%.2f", 1234567.5, grouping=True) == number, spelling
                assert locale.nl_langinfo(locale.CODESET) == "UTF-8" and locale.strxfrm("a") < locale.strxfrm("b")
        locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
        assert time.strftime("%A %B", time.gmtime(0)) == "Donnerstag Januar"
        assert locale.currency(9.5) == "9,50 \u20ac" and locale.atof("1.000,5") == 1000.5
        with plt.rc_context({"axes.formatter.use_locale": True}):
            figure, axes = plt.subplots()
            axes.plot([0.5, 1.5])
            figure.canvas.draw()
            assert axes.get_yticklabels()[1].get_text() == "0,6", axes.get_yticklabels()
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
        """,
    "time zones": """
        import datetime, os, time, zoneinfo
        for name in ("Europe/Berlin", "Asia/Tokyo", "America/Sao_Paulo", "UTC"):
            assert datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo(name)).utcoffset() is not None
        os.environ["TZ"] = "Europe/Berlin"
        time.tzset()
        assert time.localtime(0).tm_hour == 1
        """,
}

#: Programs that fail, and the words that say why.
FAILING = {
    "Pool": "from multiprocessing import Pool\nif __name__ == '__main__':\n    Pool(4)",
    "os.popen": "import os, sys\nos.popen('ls')",
}


#: Runs all of them in one job, each in a folder of its own, and prints what went wrong: a job each would take minutes.
DRIVER = """
import json, os, tempfile, traceback

def attempt(name, program):
    os.chdir(tempfile.mkdtemp(dir="/tmp"))
    names = {"__name__": "__main__", "plt": plt, "np": np}
    try:
        exec(compile(program, name, "exec"), names)
    except BaseException:
        return traceback.format_exc()

found = {name: attempt(name, program) for name, program in PROGRAMS.items()}
print(json.dumps({name: error for name, error in found.items() if error}))
plt.plot([1])
"""


@pytest.fixture(scope="module", params=["import", "snapshot"])
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway whose runners start in one way."""
    settings = {"FIGBOX_WARM_START": request.param, "FIGBOX_POOL_SIZE": 1}
    with live_gateway(tmp_path_factory.mktemp("gateway"), **settings) as gateway:
        yield gateway


async def run(gateway: LiveGateway, code: str) -> tuple[int, dict[str, Any]]:
    """Run a program; return the status and the document."""
    response = await gateway.render_v1(accept="application/json", json={"code": textwrap.dedent(code)})
    return response.status, response.json


async def test_programs_work(gateway: LiveGateway) -> None:
    """Each program ends well, and nothing on stderr tells of what is different here."""
    programs = {name: textwrap.dedent(program) for name, program in PROGRAMS.items()}
    status, document = await run(gateway, f"PROGRAMS = {programs!r}\n{DRIVER}")
    assert status == 200, document["error"]
    assert json.loads(document["stdout"]["text"]) == {}
    assert document["stderr"]["text"] == ""


async def test_a_command_in_passing(gateway: LiveGateway) -> None:
    """``os.system`` has the status of a command that a shell doesn't find, and says why on stderr."""
    status, document = await run(gateway, "import os\nassert os.system('clear') == 127 << 8\nplt.plot([1])")
    assert status == 200, document["error"]
    assert NO_CHILDREN in document["stderr"]["text"]


@pytest.mark.parametrize("name", FAILING)
async def test_it_says_why_not(gateway: LiveGateway, name: str) -> None:
    """What can't work says so by the words that end the search."""
    status, document = await run(gateway, FAILING[name])
    assert (status, document["fault"]["type"]) == (422, "PermissionError"), document
    assert NO_CHILDREN in document["error"]


async def test_asserts_of_modules_that_came_along(gateway: LiveGateway) -> None:
    """An assert that fails in a module sent with the code ends the job where it stands."""
    form = aiohttp.FormData()
    form.add_field("code", "import checks\nplt.plot([checks.ratio(1, 0)])\n", filename="plot.py")
    module = (
        'def ratio(a, b):\n    "Ratio."\n    assert b > 0, "b must be positive"\n    return a if b == 0 else a / b\n'
    )
    form.add_field("file", module, filename="checks.py")
    response = await gateway.render_v1(accept="application/json", data=form)
    assert response.status == 422
    assert response.json["fault"]["message"] == "b must be positive"
    assert 'checks.py", line 3' in response.json["error"]


def test_documentation_is_that_of_a_plain_import() -> None:
    """Matplotlib and NumPy say of themselves what they say in a Python that the runner has nothing to do with."""
    program = textwrap.dedent(
        """
        import inspect, json, sys

        if RUNNER:
            sys.path.insert(0, "/opt/figbox")
            import cheap_import
            cheap_import.import_pyplot()
        else:
            import matplotlib.pyplot, matplotlib.backends.backend_agg, numpy.random
        from matplotlib.artist import Artist

        def classes(cls):
            yield cls
            for each in cls.__subclasses__():
                yield from classes(each)

        said = {}
        for cls in classes(Artist):
            signature = inspect.signature(cls.set)
            said[f"{cls.__module__}.{cls.__qualname__}"] = [cls.set.__doc__, str(signature), repr(signature.parameters)]
        for module in [m for n, m in sorted(sys.modules.items()) if n.partition(".")[0] in ("matplotlib", "numpy")]:
            for name, value in sorted(vars(module).items()):
                for inner, member in ((None, value), *(vars(value).items() if isinstance(value, type) else ())):
                    if isinstance(getattr(member, "__doc__", None), str):
                        said[f"{module.__name__}.{name}.{inner}"] = member.__doc__
        print(json.dumps(said))
        """
    )
    said = []
    with engine_client() as client:
        for runner in (False, True):
            host = client.create_host_config(network_mode="none", tmpfs={"/tmp": "mode=1777"})
            command = ["python3", "-c", f"RUNNER = {runner}\n{program}"]
            container = client.create_container(IMAGE, entrypoint=command, host_config=host, labels=[LABEL])
            try:
                client.start(container)
                assert client.wait(container)["StatusCode"] == 0, client.logs(container)[-2000:]
                said.append(json.loads(client.logs(container, stderr=False)))
            finally:
                client.remove_container(container, force=True)
    plain, ours = said
    # The runner's own addition to the choice of fonts.
    plain.pop("matplotlib.font_manager.FontManager._find_fonts_by_props", None)
    assert {name: (text, ours.get(name)) for name, text in plain.items() if ours.get(name) != text} == {}
    assert len(plain) > 10_000
