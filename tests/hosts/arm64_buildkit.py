"""`python -m tests.hosts.arm64_buildkit`: have BuildKit build the gateway's image for 64-bit ARM, and load its modules.

It shows that `make images PLATFORMS=linux/arm64` carries on a host of another kind, with ARM's programs emulated by
QEMU's user mode. `--all` builds the runner image, too, and draws in it, which takes more than an hour on two cores. An
engine of its own is started for it, and ended. It needs root, and a kernel with binfmt_misc.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bootstrap.commands import CACHE, ROOT
from bootstrap.images import image, platforms
from bootstrap.steps import SetupError, Steps
from tests.hosts.arm64 import SCRIPTS, emulation, need_tools
from tests.hosts.conftest import CONTAINERDS_STORE
from tests.hosts.trees import command_line, tree
from tests.support.second_engine import EngineSetup, second_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

PLATFORM = "linux/arm64"

#: The release whose engine and buildx are used.
RELEASE = "forky"

#: The result isn't mistaken for an image of the set-up.
TAG = "arm64"

#: Loads what the gateway consists of, and says on what.
LOADS = "import platform, gateway.lifecycle, gateway.launcher.launcher; print(platform.machine())"


def main(arguments: Sequence[str]) -> int:
    """Build and try; return 1 if something failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.hosts.arm64_buildkit", description=__doc__)
    parser.add_argument("--all", action="store_true", help="the runner image, too")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end_at_once)
    steps = Steps()
    root = tree(RELEASE)
    setup = EngineSetup(CONTAINERDS_STORE, root=root, bridge=True)
    try:
        need_tools(steps)
        with tempfile.TemporaryDirectory() as folder, emulation(), second_engine(setup) as engine:
            os.environ |= {**command_line(root, Path(folder)), "DOCKER_HOST": engine.url}
            good = _gateway(steps)
            return 0 if good and (not options.all or _runner(steps)) else 1
    except SetupError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1


def _gateway(steps: Steps) -> bool:
    recipe = image.gateway(ROOT, CACHE, image_name := "figbox-gateway")
    _built(steps, recipe)
    said = _run("--entrypoint=python3", f"{image_name}:{TAG}", "-c", LOADS)
    steps.say("gateway image", (said.stdout or said.stderr[-500:]).decode(errors="replace").strip())
    return said.returncode == 0


def _runner(steps: Steps) -> bool:
    _built(steps, image.Recipe(ROOT / "runner-image", CACHE, image_name := "figbox-runner"))
    good = True
    for name, code in SCRIPTS.items():
        said = _run("-i", f"{image_name}:{TAG}", code=code.encode())
        good &= said.stdout.startswith(b"\x89PNG")
        steps.say("drawing", f"{name}: {len(said.stdout)} bytes, {said.stderr[-500:].decode(errors='replace')}")
    return good


def _built(steps: Steps, recipe: image.Recipe) -> None:
    wanted = platforms.order(PLATFORM, "", TAG, CACHE / "images")
    platforms.ensure(steps, [recipe], wanted, CACHE / "platforms")
    archive = wanted.folder / f"{recipe.tag}-linux-arm64.oci.tar"
    subprocess.run(["docker", "load", "--quiet", "--input", archive], check=True)


def _run(*words: str, code: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a container; not with the filter of system calls, which would meet QEMU's own."""
    command = ["docker", "run", "--rm", f"--platform={PLATFORM}", "--network=none"]
    command += ["--security-opt=seccomp=unconfined", *words]
    return subprocess.run(command, input=code, capture_output=True, check=False, timeout=1800)


def _end_at_once(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # an exception, so that the engine and the emulation end on the way out


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
