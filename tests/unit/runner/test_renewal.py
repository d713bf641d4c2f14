"""Processes that come from one memory share nothing that must be each one's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.runner import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

#: Prints what two processes with the same memory have after the renewal. A fork seeds `random` by itself, so it is
#: the same process twice, its generators put back.
PROGRAM = """
import json, logging, os, platform, random, sys, tempfile, threading, uuid
import multiprocessing, multiprocessing.synchronize
import numpy as np
sys.path.insert(0, {folder!r})
from preload import renewal

def what_is_drawn():
    return {{
        "random": random.random(),
        "numpy": [np.random.random(), np.random.normal()],
        "numpy state": int(np.random.get_state()[1].sum()),
        "generator": np.random.default_rng().random(),
        "name": next(tempfile._get_candidate_names()),
        "semaphore": next(multiprocessing.synchronize.SemLock._rand),
        "key": bytes(multiprocessing.current_process().authkey).hex(),
        "time": logging._startTime,
    }}

what_is_drawn()
np.random.normal()  # draws two, and keeps the other one
platform.node(), uuid.uuid1()
logging._startTime -= 10
threading.main_thread()._native_id = 1
before = dict(os.environ)
states = random.getstate(), np.random.get_state()
drawn = []
for _ in range(2):
    random.setstate(states[0])
    np.random.set_state(states[1])
    renewal.renew({{**before, "HOSTNAME": "new"}})
    drawn.append(what_is_drawn())
json.dump({{
    "drawn": drawn, "before": before, "after": dict(os.environ), "native": threading.main_thread().native_id,
    "own": threading.get_native_id(), "uuid": [uuid._node, uuid._last_timestamp], "uname": platform._uname_cache,
    "c": os.popen("echo $HOSTNAME").read(), "relative": logging.makeLogRecord({{}}).relativeCreated,
}}, sys.stdout)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a process finds."""
    return run(tmp_path_factory.mktemp("renewal"))


def run(folder: Path) -> dict[str, Any]:
    """Run the program."""
    env = {"PATH": os.environ["PATH"], "HOSTNAME": "old", "MPLCONFIGDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(folder=str(FOLDER))],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("what", ["random", "numpy", "numpy state", "generator", "name", "semaphore", "key"])
def test_each_process_has_its_own(found: dict[str, Any], what: str) -> None:
    """What comes from a generator, a sequence of names or a key is different each time."""
    first, second = (drawn[what] for drawn in found["drawn"])
    assert first != second


def test_environment_is_that_of_the_process(found: dict[str, Any]) -> None:
    """A variable that is different is set, for C code too; the others stay in their order."""
    assert list(found["after"].items()) == list({**found["before"], "HOSTNAME": "new"}.items())
    assert found["c"] == "new\n"


def test_what_was_known_of_the_host_is_forgotten(found: dict[str, Any]) -> None:
    """Host name, and what identifiers are made of, are asked for again."""
    assert (found["uname"], found["uuid"]) == (None, [None, None])


def test_time_and_thread_are_those_of_the_process(found: dict[str, Any]) -> None:
    """The main thread knows its number, and the log counts from the renewal on."""
    assert found["native"] == found["own"]
    assert found["relative"] < 5000
