"""The process in which one target is fuzzed; `python -m tests.fuzz` starts it."""

from __future__ import annotations

import sys

import atheris

from tests.fuzz.targets import TARGETS


@atheris.instrument_func
def find_me(data: bytes) -> None:
    """Fail for bytes that only a fuzzer guided by coverage can find in time: proof that this one is."""
    if data[:1] == b"B" and data[1:2] == b"O" and data[2:3] == b"X":
        raise AssertionError("found")


def main() -> None:
    """Fuzz the target named first with the options of libFuzzer that follow; ends the process."""
    name, *options = sys.argv[1:]
    run = find_me
    if name in TARGETS:
        with atheris.instrument_imports(include=["gateway", "tomllib", "json"]):
            run = TARGETS[name].find_run()
    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
