"""The attacks' files: each says in its header what it tries and what must happen, in the form that is read."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

import pytest

from gateway.model.results import Outcome
from tests.exploits.attack import AREAS, ATTACKS, BREACH, BadHeader, Copies, Kernel, read_attack, read_attacks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exploits.attack import Attack

#: Shortest texts that say anything: "neither." answers some attempts.
TRIES_LENGTH, MUST_HAPPEN_LENGTH = 25, 8

PLAIN = '''"""A title.

Tries: to do harm in some way or other.
Must happen: nothing of the kind,
whatever it takes.
"""
# outcome: program_error
'''


def read(folder: Path, text: str) -> Attack:
    """Read an attack from a file with a text."""
    file = folder / "network_x.py"
    file.write_text(text, "utf-8")
    return read_attack(file)


@pytest.mark.parametrize("file", sorted(ATTACKS.glob("[!_]*")), ids=lambda file: file.name)
def test_header(file: Path) -> None:
    """Every file under `attacks/` is an attack of a known area, with a header that says enough."""
    attack = read_attack(file)
    assert attack.area in AREAS
    assert len(attack.tries) >= TRIES_LENGTH
    assert len(attack.must_happen) >= MUST_HAPPEN_LENGTH
    assert attack.tries.endswith((".", "?", ")"))
    assert attack.must_happen.endswith((".", ")"))


def test_there_are_enough() -> None:
    """There are many attacks, of every area, no two with one title, most of them for every kernel."""
    attacks = read_attacks()
    assert len(attacks) >= 200
    counts = collections.Counter(attack.area for attack in attacks)
    assert min(counts[area] for area in AREAS) >= 4
    assert len({attack.title for attack in attacks}) == len(attacks)
    assert sum(Kernel.GVISOR in attack.outcomes for attack in attacks) >= 80


@pytest.mark.parametrize("attack", read_attacks(), ids=lambda attack: attack.name)
def test_success_is_told(attack: Attack) -> None:
    """An attack that succeeds where nothing is hardened has words for it."""
    assert BREACH in attack.code or not attack.breaches_unhardened


def test_plain_header(tmp_path: Path) -> None:
    """What isn't said has its usual value."""
    attack = read(tmp_path, PLAIN)
    assert (attack.title, attack.tries) == ("A title.", "to do harm in some way or other.")
    assert attack.must_happen == "nothing of the kind, whatever it takes."
    assert attack.outcomes == dict.fromkeys(Kernel, frozenset({Outcome.PROGRAM_ERROR}))
    assert (attack.contains, attack.lacks, attack.machine) == ((), (), None)
    assert (attack.copies, attack.must_decode, attack.breaches_unhardened) == (Copies.ONE, True, False)
    assert attack.asks is None
    assert attack.code == PLAIN


def test_full_header(tmp_path: Path) -> None:
    """Every line is read."""
    attack = read(
        tmp_path,
        PLAIN + "# outcome on gvisor: ok killed\n# varies: for a reason\n"
        "# answer contains: one: two\n# answer contains: three\n"
        "# answer lacks: four\n# machine: x86_64\n# copies: overlapping\n# picture: need not decode, for a reason\n"
        '# asks: {"format": "svg"}\n'
        "# unhardened: breach\n\n# outcome: no line of the header\nplt.plot([1])\n",
    )
    assert attack.outcomes[Kernel.RUNC] == {Outcome.PROGRAM_ERROR}
    assert attack.outcomes[Kernel.GVISOR] == {Outcome.OK, Outcome.KILLED}
    assert (attack.contains, attack.lacks, attack.machine) == (("one: two", "three"), ("four",), "x86_64")
    assert (attack.copies, attack.must_decode, attack.breaches_unhardened) == (Copies.OVERLAPPING, False, True)
    assert attack.asks == {"format": "svg"}


def test_only_on_one_kernel(tmp_path: Path) -> None:
    """An attack may be for one kernel alone, with a reason."""
    attack = read(tmp_path, PLAIN + "# only on: runc, the other has none of it\n")
    assert list(attack.outcomes) == [Kernel.RUNC]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("print(1)\n", "docstring"),
        (PLAIN.replace("Must happen", "Should happen"), "docstring"),
        (PLAIN.replace("# outcome: program_error\n", ""), "no outcome"),
        (PLAIN + "# outcome: ok\n", "more than once"),
        (PLAIN.replace("program_error", "fine"), "fine"),
        (PLAIN.replace("program_error", "program_error ok"), "varies"),
        (PLAIN + "# varies: without need\n", "varies"),
        (PLAIN + "# outcom: ok\n", "no line of a header"),
        (PLAIN + "# a remark\n", "no line of a header"),
        (PLAIN + "# answer lacks:  \n", "no line of a header"),
        (PLAIN + "# only on: runc\n", "reason"),
        (PLAIN + "# only on: docker, as it is\n", "only on"),
        (PLAIN + "# copies: many\n", "copies"),
        (PLAIN + "# unhardened: maybe\n", "unhardened"),
        (PLAIN + "# asks: svg\n", "asks"),
        (PLAIN + "# asks: []\n", "asks"),
        (PLAIN + "# picture: broken\n", "picture"),
    ],
)
def test_bad_headers(tmp_path: Path, text: str, complaint: str) -> None:
    """A header that can't be read as it was meant is a fault that names its file."""
    with pytest.raises(BadHeader, match=complaint) as fault:
        read(tmp_path, text)
    assert "network_x.py" in str(fault.value)
