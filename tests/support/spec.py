"""What a line of the container specification is, and how a create body falls apart into lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.containers import run

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from tests.support.containers import Config
    from tests.support.spec_changes import Change


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the specification, and its proof.

    Attributes:
        name: What it is there for.
        covers: Leaves of the create body, as `leaves` names them; none for a line that is a field left unset.
        take_out: Removes this line alone.
        probe: Assigns what it finds to `answer`; see `containers.HARNESS`.
        held: The answer under the full specification.
        open: The answer without this line, or what tells such an answer.
        both: Changes on both sides: other lines that would hide this one, or a smaller number for a quick end.
        watch: Runs a container and gives the answer; for what is seen from outside.
        machine: Where the probe is for one kind of processor.
    """

    name: str
    covers: tuple[str, ...]
    take_out: Change
    probe: str
    held: object
    open: object
    both: tuple[Change, ...] = ()
    watch: Callable[[docker.APIClient, Config], object] = lambda client, config: run(client, config).answer
    machine: str | None = None

    def is_open(self, answer: object) -> bool:
        """Tell whether an answer shows that the line is missing."""
        return bool(self.open(answer)) if callable(self.open) else answer == self.open


#: Leaves that restrict nothing, with the reason why they are there.
IDENTITY = {
    "Image": "which image, by digest: `test_image_is_named_by_digest`",
    "Cmd": "what our runner is told to do",
    "WorkingDir": "a constant, never a request's; the image says the same",
    "Labels": "whose container it is, for the sweep",
    "AttachStdin": "how the job comes in",
    "AttachStdout": "how the answer comes out",
    "AttachStderr": "how prints come out",
    "OpenStdin": "how the job comes in",
    "HostConfig.Tmpfs.rw": "the working directory can be written",
    "HostConfig.Tmpfs.mode": "by the job's uid, whichever it is",
    "HostConfig.AutoRemove": "off, so that the exit status can be read before we remove",
    "HostConfig.Runtime": "the operator's choice; the self-test at the start looks at what it does",
}


def leaves(config: Config) -> set[str]:
    """Return the names of all that a create body says, down to the single option."""
    host = config["HostConfig"]
    names = set(config) - {"HostConfig"}
    names |= {f"HostConfig.{name}" for name in set(host) - {"Ulimits", "Tmpfs", "SecurityOpt"}}
    names |= {f"HostConfig.Ulimits.{limit['Name']}" for limit in host["Ulimits"]}
    for options in host["Tmpfs"].values():
        names |= {f"HostConfig.Tmpfs.{option.partition('=')[0]}" for option in options.split(",")}
    for option in host["SecurityOpt"]:
        kind, _, value = option.replace("no-new-privileges:", "no-new-privileges=").partition("=")
        parts = [f".{key}" for key in json.loads(value)] if kind == "seccomp" else [""]
        names |= {f"HostConfig.SecurityOpt.{kind}{part}" for part in parts}
    return names
