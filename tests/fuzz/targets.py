"""What can be fuzzed.

A target is called with bytes that the fuzzer chooses, and returns if all is well. An exception that the code under
test doesn't promise, a promise that doesn't hold, or too much processor time (`budget.py`) ends the run and leaves the
bytes in a file. Each target has seeds: inputs that reach far, where the fuzzer begins.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.fuzz.budget import budgeted

if TYPE_CHECKING:
    from collections.abc import Callable

#: Units of `gateway.model.jobs`, which a run instruments as it reads it.
KiB = 1024


@dataclass(frozen=True, slots=True)
class Target:
    """Something to fuzz; its module is read only where it is needed, since a run's start is part of its time.

    Attributes:
        module: The module of this folder with the target.
        function: The target's name there.
        seeds_name: The name there of its seeds, or of the function that makes them.
        length: Most bytes of an input.
    """

    module: str
    function: str
    seeds_name: str
    length: int = 4 * KiB

    def find_run(self) -> Callable[[bytes], None]:
        """Return the function that raises if its bytes break a promise, or take too much processor time."""
        return budgeted(self._find(self.function))

    def seeds(self) -> tuple[bytes, ...]:
        """Return the inputs where the fuzzer begins."""
        found = self._find(self.seeds_name)
        return found() if callable(found) else found

    def _find(self, name: str) -> Any:
        return getattr(importlib.import_module(f"tests.fuzz.{self.module}"), name)


TARGETS = {
    "json": Target("texts", "fuzz_json", "JSON_SEEDS"),
    "keys": Target("texts", "fuzz_keys", "KEYS_SEEDS"),
    "frames": Target("streams", "fuzz_frames", "FRAME_SEEDS"),
    "messages": Target("streams", "fuzz_messages", "MESSAGE_SEEDS"),
    "submission": Target("requests", "fuzz_submission", "SUBMISSION_SEEDS"),
    "form": Target("requests", "fuzz_form", "FORM_SEEDS"),
    "picture": Target("pictures", "fuzz_picture", "picture_seeds", 16 * KiB),
    "png": Target("pictures", "fuzz_repaired_png", "PNG_SEEDS"),
    "edge": Target("edge", "fuzz_edge", "EDGE_SEEDS"),
}
