"""The set-up's command line: what each step does, what it needs before, and how failures are reported."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bootstrap import clean, dockerd, doctor, dotenv, gvisor, service
from bootstrap.engine import DEFAULT_SOCKET, Address
from bootstrap.steps import STARTED_VARIABLE, SetupError, Steps
from bootstrap.virtualenv import VirtualEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".figbox"
ENVIRONMENT_FILE = ROOT / ".env"
DEFAULT_TAG = "figbox-runner:latest"
GATEWAY_TAG = "figbox-gateway:latest"
VENV = VirtualEnvironment(ROOT / ".venv", ROOT / "requirements")

#: Marks tests that need a container engine.
ENGINE = "engine"

#: What `make test` runs on an engine: the core, but for what needs the gateway's image, each thing in one way.
CORE = "core and not compose and not variant"

#: Two files of tests at a time; most tests on an engine wait more than they work.
TWO_FILES = ("--numprocesses", "2", "--dist", "loadfile")

#: Tests that need no engine, which run first; and those of them that `make test` runs.
WITHOUT_ENGINE = ("-m", f"not {ENGINE}", *TWO_FILES)
SHOWN_WITHOUT_ENGINE = ("-m", f"not {ENGINE} and not variant", *TWO_FILES)

#: Measures which branches they take, which makes them half as slow again.
COVERAGE = ("--cov", "--cov-report=")

#: How runners start in `make test-all`; in `make test` they import, since each gateway that starts would check its
#: snapshot first.
RESTORED = ("FIGBOX_WARM_START", "snapshot")

#: Beginnings of commands that may run Docker Compose.
COMPOSE_COMMANDS = (("docker", "compose"), ("docker-compose",))

TEST_STEPS = frozenset({"test", "test-all"})
TRUE_WORDS = frozenset({"1", "true", "yes"})

STEPS_HELP = """\
venv      the virtual environment, from the hash-locked requirements
engine    a container engine: if none answers, start it (and install it, as root on Debian)
image     the runner image, from files fetched on the host, built without network; and the images of
          the environments that --environment or the gateway's settings name
gateway-image
          the image of gateway and launcher, built the same way
platform-images
          both images for the processors that --platforms names, by `docker buildx`: archives in
          .figbox/images, or pushed to --registry with --tag
dotenv    .env with a random key, if it doesn't exist
run       all of these, then the gateway in this process; on macOS, the step `containers`
containers
          venv, engine, both images, dotenv, then gateway and launcher by `docker compose up`
test      venv, engine and the runner image, then the tests that any change must pass, which are those
          without an engine and the core on one; what follows goes to pytest
test-all  the same with every image and all tests
gvisor    gVisor, installed and registered with an engine that the set-up started
install-service
          gateway and launcher as services of systemd, for this clone; nothing is started
sweep     remove the containers of the installation that FIGBOX_INSTALLATION names, whose gateway was killed
doctor    check the host, change nothing; exit code 2 if Figbox can't work here
clean     remove what was made here, but neither .env nor the engine
"""


def main(arguments: list[str]) -> int:
    """Do the steps named on the command line; return the exit code: 0 for success, 1 for a failure.

    The step `doctor` ends with 2 when Figbox can't work here.
    """
    options, for_pytest = parse(arguments)
    setup = _Setup(options, for_pytest)
    signal.signal(signal.SIGTERM, _end_at_once)
    os.chdir(ROOT)
    try:
        for name in options.steps:
            STEPS[name](setup)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"\n{error.filename} can't be written to: run this as the owner of {ROOT}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; steps that were finished are skipped the next time.", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the options with the steps, and what pytest gets: all that follows a step that runs tests."""
    parser = argparse.ArgumentParser(
        prog="bootstrap", epilog=STEPS_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dev", action="store_true", help="venv: also install what tests and checks need")
    parser.add_argument("--refresh-base", action="store_true", help="image: pull or make the base image again")
    parser.add_argument("--no-start", action="store_true", help="engine: neither install nor start one")
    parser.add_argument("--json", action="store_true", help="doctor: print one JSON document")
    parser.add_argument("--environment", metavar="NAME", help="image: also that environment's image, or `all`")
    parser.add_argument("--platforms", metavar="LIST", default="", help="platform-images: such as linux/arm64")
    parser.add_argument("--registry", metavar="NAME", default="", help="platform-images: push there")
    parser.add_argument("--tag", default="", help="platform-images: the images' tag in archives and in the registry")
    parser.add_argument("steps", nargs="+", metavar="STEP")
    words = enumerate(itertools.pairwise(["", *arguments]), 1)
    is_step = (at for at, (before, word) in words if word in TEST_STEPS and before != "--environment")
    after = next(is_step, len(arguments))
    options, for_pytest = parser.parse_args(arguments[:after]), arguments[after:]
    unknown = [name for name in options.steps if name not in STEPS]
    if unknown:
        parser.error(f"unknown step {unknown[0]}; the steps are {', '.join(STEPS)}")
    return options, for_pytest


def _end_at_once(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # an exception, so that half-made files are removed on the way out


class _Setup:
    def __init__(self, options: argparse.Namespace, pytest_arguments: list[str]) -> None:
        self._steps = Steps()
        self._options = options
        self._pytest_arguments = pytest_arguments

    def venv(self) -> None:
        with alone(self._steps):
            VENV.ensure(self._steps, dev=self._options.dev)

    def engine(self) -> None:
        with alone(self._steps):
            reach_engine(self._steps, may_start=not self._options.no_start)

    def image(self) -> None:
        if self._left_to_the_environments_python("image"):
            return
        from bootstrap.images import environments, image  # noqa: PLC0415 - needs the virtual environment

        recipe = image.Recipe(ROOT / "runner-image", CACHE, runner_tag())
        folder = recipe.folder / "environments"
        wanted = self._options.environment or ""
        names = {"": [], "all": environments.known(folder)}.get(wanted, [wanted])
        names += environments.configured(folder, ROOT, recipe.tag)
        with alone(self._steps):
            image.ensure(self._steps, recipe, refresh_base=self._options.refresh_base)
            recipes = [environments.Recipe(name, folder, recipe) for name in dict.fromkeys(names)]
            environments.ensure(self._steps, recipes)

    def gateway_image(self) -> None:
        if self._left_to_the_environments_python("gateway-image"):
            return
        from bootstrap.images import image  # noqa: PLC0415 - needs the virtual environment

        with alone(self._steps):
            recipe = image.gateway(ROOT, CACHE, gateway_tag())
            image.ensure(self._steps, recipe, refresh_base=self._options.refresh_base)

    def platform_images(self) -> None:
        if self._left_to_the_environments_python("platform-images"):
            return
        from bootstrap.images import image, platforms  # noqa: PLC0415 - needs the virtual environment

        base_image = dotenv.value(ENVIRONMENT_FILE, "FIGBOX_BASE_IMAGE")
        options = self._options
        wanted = platforms.order(options.platforms, options.registry, options.tag, CACHE / "images", base_image)
        recipes = (
            image.Recipe(ROOT / "runner-image", CACHE, runner_tag()),
            image.gateway(ROOT, CACHE, gateway_tag()),
        )
        with alone(self._steps):
            platforms.ensure(self._steps, recipes, wanted, CACHE / "platforms")

    def _left_to_the_environments_python(self, step: str) -> bool:
        if Path(sys.prefix).resolve() == VENV.folder.resolve():
            return False
        if not VENV.python.exists():
            raise SetupError("There is no virtual environment yet: run `make install` first.")
        command: list[str | Path] = [VENV.python, "-m", "bootstrap", step]
        command += ["--refresh-base"] if self._options.refresh_base else []
        for name in ("environment", "platforms", "registry", "tag"):
            command += [f"--{name}", getattr(self._options, name)] if getattr(self._options, name) else []
        with alone(self._steps):  # for that process, too
            done = subprocess.run(command, env=self._steps.environment(), cwd=ROOT, check=False)
        if done.returncode != 0:
            raise SystemExit(done.returncode)  # it has reported why
        return True

    def dotenv(self) -> None:
        dotenv.ensure(self._steps, ENVIRONMENT_FILE)

    def run(self) -> NoReturn:
        if sys.platform == "darwin":
            self.containers()
        self.venv()
        self.engine()
        self.image()
        self.dotenv()
        self._steps.say("gateway", "starting")
        sys.stdout.flush()
        # In this process, so that Ctrl-C and make's SIGTERM reach the gateway itself.
        os.execv(VENV.python, [str(VENV.python), "-m", "gateway"])  # noqa: S606 - without a shell

    def containers(self) -> NoReturn:
        compose = _compose()
        self.venv()
        self.engine()
        self.image()
        self.gateway_image()
        self.dotenv()
        if sys.platform == "darwin":
            # The engine's socket can't be reached through a shared folder there, but Docker Desktop passes it on.
            os.environ.setdefault("FIGBOX_ENGINE_FOLDER", str(DEFAULT_SOCKET))
            os.environ.setdefault("FIGBOX_ENGINE_TARGET", "/run/engine/docker.sock")
        self._steps.say("gateway", "starting in containers; Ctrl-C ends them")
        sys.stdout.flush()
        command = [*compose, "up", "--no-build"]
        os.execvp(command[0], command)  # noqa: S606 - without a shell

    def test(self) -> None:
        self._test(SHOWN_WITHOUT_ENGINE, (CORE, *TWO_FILES), (self.image,))

    def test_all(self) -> None:
        os.environ.setdefault(*RESTORED)
        self._options.environment = "all"
        self._test((*WITHOUT_ENGINE, *COVERAGE), (ENGINE,), (self.image, self.gateway_image))

    def _test(
        self, without_engine: Sequence[str], on_engine: Sequence[str], images: Sequence[Callable[[], None]]
    ) -> None:
        self._options.dev = True
        self.venv()
        missing = ""
        try:
            self.engine()
        except SetupError as error:
            if os.environ.get("CI", "").lower() in TRUE_WORDS:
                raise
            missing = str(error)
        else:
            for make in images:
                make()
        selection = f"not {ENGINE}" if missing else f"not {ENGINE} or ({on_engine[0]})"
        if self._pytest_arguments:
            runs: list[Sequence[str]] = [("-m", selection, *self._pytest_arguments)]
        else:
            runs = [without_engine, *([] if missing else [("-m", *on_engine)])]
        self._steps.say("tests", "starting" + (" without those that need an engine" if missing else ""))
        codes = [subprocess.run([VENV.python, "-m", "pytest", *run], cwd=ROOT, check=False).returncode for run in runs]
        self._steps.say("tests", f"FAILED ({max(codes)})" if any(codes) else "passed")
        if missing:
            print("NOT RUN: the tests that need a container engine (the sandbox itself is untested).")
            print(f"         {missing}")
        if any(codes):
            raise SystemExit(1)

    def gvisor(self) -> None:
        with alone(self._steps):
            gvisor.ensure(self._steps)

    def install_service(self) -> None:
        service.install(self._steps, ROOT)

    def sweep(self) -> None:
        installation = os.environ.get("FIGBOX_INSTALLATION")
        if not installation:
            raise SetupError("FIGBOX_INSTALLATION isn't set: whose containers are to be removed?")
        clean.sweep(self._steps, installation)

    def doctor(self) -> None:
        code = doctor.report(ROOT, runner_tag(), as_json=self._options.json)
        if code != 0:
            raise SystemExit(code)

    def clean(self) -> None:
        clean.clean(self._steps, ROOT, (runner_tag(), gateway_tag()))


#: The steps by their names.
STEPS = {name.replace("_", "-"): step for name, step in vars(_Setup).items() if not name.startswith("_")}


def _compose() -> Sequence[str]:
    """Return the first words of a command that runs Docker Compose, version 2 or newer."""
    for command in COMPOSE_COMMANDS:
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and not done.stdout.startswith(("1.", "v1.")):
            return command
    raise SetupError(
        "Docker Compose, version 2 or newer, isn't here: install it (Docker Desktop has it), and try again."
    )


def gateway_tag() -> str:
    """Return the name of the image of gateway and launcher."""
    return dotenv.value(ENVIRONMENT_FILE, "FIGBOX_GATEWAY_IMAGE") or GATEWAY_TAG


def runner_tag() -> str:
    """Return the runner image's name, as the settings have it."""
    return dotenv.value(ENVIRONMENT_FILE, "FIGBOX_IMAGE") or DEFAULT_TAG


def reach_engine(steps: Steps, *, may_start: bool = True) -> Address:
    """Return the engine that is meant, which responds then; programs that are started find it, too.

    Args:
        steps: Where to report.
        may_start: Whether one may be installed and started.

    Raises:
        SetupError: See `dockerd.ensure`.
    """
    address = dockerd.ensure(steps, may_start=may_start)
    if address.named_by:  # Docker's SDK reads DOCKER_HOST, but not the CLI's contexts
        os.environ["DOCKER_HOST"] = address.url
    return address


@contextlib.contextmanager
def alone(steps: Steps) -> Iterator[None]:
    """Keep two set-ups of a checkout from doing the same work at once; the second waits, then skips what is done."""
    if STARTED_VARIABLE in os.environ:  # a set-up started this one and waits for it
        yield
        return
    if not os.access(ROOT, os.W_OK):  # another user's checkout: what is missing can't be made, so nothing clashes
        yield
        return
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            steps.say("set-up", "another one is running in this checkout; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
