"""`python -m tests.hosts.arm64`: build the runner image for 64-bit ARM, and draw in it, by emulating its programs.

QEMU's user mode runs ARM's programs on this host's kernel, so this shows that the image builds for that processor from
the same locks, that everything in it imports and draws, and which system calls of ARM that takes. It shows nothing of
the sandbox: the filter of system calls would meet QEMU's own calls. An engine of its own is started for it, and ended.
It needs root, dockerd, and a kernel with binfmt_misc, and takes more than an hour on two cores, since all byte
code is compiled so.

Source: Linux, Documentation/admin-guide/binfmt-misc.rst; qemu-user(1), `QEMU_STRACE`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bootstrap import debian
from bootstrap.commands import CACHE, ROOT
from bootstrap.images import base, image
from bootstrap.steps import SetupError, Steps
from gateway.launcher.engine.specification import SECCOMP_FILE
from tests.support.second_engine import second_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

ARCHITECTURE = "aarch64"
EMULATOR = "qemu-aarch64-static"

#: Where the kernel is told which program runs another processor's, and the beginning of such a file: an ELF of 64 bits
#: that can be executed, for processor 183.
BINFMT = Path("/proc/sys/fs/binfmt_misc")
NAME = "figbox-aarch64"
MAGIC = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00"
MASK = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"

#: Scripts, each of which must draw: the basics, compiled code of every package, text.
SCRIPTS = {
    "a line": "plt.plot([1, 3, 2])",
    "NumPy, pandas and SciPy": "import pandas as pd\nfrom scipy import signal, stats\n"
    "pd.DataFrame({'a': signal.sawtooth(np.arange(99.0)), 'b': stats.norm.pdf(np.linspace(-3, 3, 99))}).plot()",
    "text": "plt.title(r'Größe, \u6e2c\u8a66, $x^2$'); plt.contourf(np.random.default_rng(0).random((20, 20)))",
}

#: System calls that QEMU makes up or that end the process, which strace's output has beside those of the program.
NOT_THE_PROGRAMS = frozenset({"exit", "exit_group"})

#: How a line of `QEMU_STRACE` begins.
_CALL = re.compile(r"^\d+ ([a-z][a-z0-9_]*)\(", re.MULTILINE)


def main() -> int:
    """Build and draw; return 1 if something failed."""
    signal.signal(signal.SIGTERM, _end_at_once)
    steps = Steps()
    try:
        need_tools(steps)
        with emulation(), second_engine() as engine:
            os.environ["DOCKER_HOST"] = engine.url
            with image.engine_client() as client:
                return _try_all(steps, client)
    except SetupError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1


def _try_all(steps: Steps, client: DockerClient) -> int:
    image.architecture_of = lambda _: ARCHITECTURE  # the engine's own processor is another one
    base.ensure(steps, client, ARCHITECTURE)  # so that none is pulled, which would be for the engine's
    recipe = image.Recipe(ROOT / "runner-image", CACHE / "aarch64")
    image.ensure(steps, recipe)
    failures = 0
    for name, code in SCRIPTS.items():
        drawn, said = _draw(recipe.tag, code)
        good = drawn.startswith(b"\x89PNG")
        failures += not good
        steps.say("drawing", f"{name}: {f'{len(drawn)} bytes of PNG' if good else f'FAILED: {said[-500:]}'}")
    _, calls = _draw(recipe.tag, SCRIPTS["a line"], strace=True)
    found = set(_CALL.findall(calls)) - NOT_THE_PROGRAMS
    left = sorted(found - allowed_calls())
    steps.say("system calls", f"{len(found)} seen, of which the list refuses: {', '.join(left) or 'none'}")
    return int(failures > 0 or not found)


def allowed_calls() -> set[str]:
    """Return the system calls that the list allows, also those that it allows for some arguments alone."""
    profile = json.loads(SECCOMP_FILE.read_text("utf-8"))
    return {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}


def _draw(tag: str, code: str, *, strace: bool = False) -> tuple[bytes, str]:
    """Draw by hand, as the README says; return what came on stdout and stderr."""
    command = ["docker", "run", "-i", "--rm", "--network", "none", "--security-opt", "seccomp=unconfined"]
    command += ["--env", "QEMU_STRACE=1"] if strace else []
    done = subprocess.run([*command, tag], input=code.encode(), capture_output=True, check=False, timeout=1800)
    return done.stdout, done.stderr.decode(errors="replace")


@contextlib.contextmanager
def emulation() -> Iterator[None]:
    """Have the kernel run ARM's programs by QEMU, in containers, too, until the block ends."""
    mounted = (BINFMT / "register").exists()
    if not mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], check=True)
    emulator = shutil.which(EMULATOR)
    parts = ("".join(f"\\x{byte:02x}" for byte in data) for data in (MAGIC, MASK))
    # F: opened now, so that it needn't be in the container.
    (BINFMT / "register").write_text(f":{NAME}:M::{':'.join(parts)}:{emulator}:F")
    try:
        yield
    finally:
        (BINFMT / NAME).write_text("-1")
        if not mounted:
            subprocess.run(["umount", BINFMT], check=True)


def need_tools(steps: Steps) -> None:
    """Make sure that ARM's programs can be run here.

    Raises:
        SetupError: They can't; says what is missing.
    """
    if os.geteuid() != 0:
        raise SetupError("Only root can tell the kernel how to run another processor's programs: run this as root.")
    if not BINFMT.exists():
        raise SetupError("This kernel can't run another processor's programs (binfmt_misc).")
    if shutil.which(EMULATOR) is None:
        if not debian.is_root_debian():
            raise SetupError(f"Install {EMULATOR} first.")
        debian.apt_install(steps, ["qemu-user-static"], why="runs ARM's programs")


def _end_at_once(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # an exception, so that the engine and the emulation end on the way out


if __name__ == "__main__":
    sys.exit(main())
