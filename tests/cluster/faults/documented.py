"""What the pages say may come in place of a picture."""

from __future__ import annotations

import re

from tests.documents.pages import BALANCER, ERRORS, rows, section


def documented() -> frozenset[tuple[int, str]]:
    """Return statuses with the ends of problems' types, of the service and of a balancer."""
    told = rows(section(ERRORS, "Statuses"))[1:] + rows(section(BALANCER, "What the balancer says itself"))[1:]
    return frozenset(
        (int(status), name)
        for cells in told
        for status in re.findall(r"\d{3}", cells[0])
        for name in re.findall(r"`([a-z-]+)`", cells[1])
    )
