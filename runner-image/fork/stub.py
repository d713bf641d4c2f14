"""Process 1 of a container whose runner is forked by the template (see template.py): holds the container open.

It keeps the three descriptors that the engine gave it without reading or writing a byte: the forked runner has
copies of them. Its end is the end of every process of the container. It ends when the gateway closes stdin or dies,
and when its time is over. No signal from inside the container ends it before: the kernel delivers none to process 1
that it doesn't ask for. A guest has the same user and could write into its memory; that prolongs or ends the guest's
own container, and the gateway's deadline kills by the container's id, whatever the stub has become. Run with `-I
-S`: it has to be small and quick, and needs nothing.
"""

from __future__ import annotations

import select
import sys


def wait(limit_s: float) -> None:
    """Wait until nobody holds the other end of stdin any more, or the time is over."""
    poll = select.poll()
    poll.register(0, 0)  # no event is asked for: POLLHUP and POLLERR come unasked, and what can be read is not ours
    poll.poll(limit_s * 1000)


if __name__ == "__main__":
    wait(float(sys.argv[1]))
