"""The process in which one target is fuzzed; `python -m tests.fuzz` starts it."""

from __future__ import annotations

import sys
import time

import atheris

from tests.fuzz.budget import budgeted
from tests.fuzz.targets import TARGETS
from tests.support.machine import slowness

#: Processor seconds that an input may take where nothing but a proof runs.
PROOF_S = 0.01


@atheris.instrument_func
def find_me(data: bytes) -> None:
    """Fail for bytes that only a fuzzer guided by coverage can find in time: proof that this one is."""
    if data[:1] == b"B" and data[1:2] == b"O" and data[2:3] == b"X":
        raise AssertionError("found")


def be_slow(data: bytes) -> None:
    """Take processor time that grows with the square of the length: proof that this is a finding."""
    end = time.process_time() + slowness() * PROOF_S * (len(data) / 1.5) ** 2
    while time.process_time() < end:
        pass


#: Targets with something to find.
PROOFS = {"find-me": find_me, "be-slow": budgeted(be_slow, PROOF_S)}


def main() -> None:
    """Fuzz the target named first with the options of libFuzzer that follow; ends the process."""
    name, *options = sys.argv[1:]
    run = PROOFS.get(name)
    if run is None:
        with atheris.instrument_imports(include=["gateway", "tomllib", "json"]):
            run = TARGETS[name].find_run()
    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
