"""The attacks' files: each says in its header what it tries and what must happen, in the form that is read."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

import pytest

from gateway.model.results import Outcome
from tests.exploits.attack import AREAS, ATTACKS, BREACH, BadHeader, Copies, Kernel, read_attacks, read_file
from tests.exploits.campaign import attacks_on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exploits.attack import Attack

#: Shortest texts that say anything: "neither." is one.
TRIES_LENGTH, MUST_HAPPEN_LENGTH = 25, 8

PLAIN = '''"""A title.
Tries: to do harm in some way or other.
Must happen: nothing of the kind,
whatever it takes."""
# outcome: program_error
'''


def read(folder: Path, text: str) -> Attack:
    """Read an attack from a file with a text."""
    file = folder / "network_x.py"
    file.write_text(text, "utf-8")
    (attack,) = read_file(file)
    return attack


@pytest.mark.parametrize("file", sorted(ATTACKS.glob("[!_]*")), ids=lambda file: file.name)
def test_header(file: Path) -> None:
    """Every file under `attacks/` is an attack of a known area, with a header that says enough."""
    attack = read_file(file)[0]
    assert attack.area in AREAS
    assert len(attack.tries) >= TRIES_LENGTH
    assert len(attack.must_happen) >= MUST_HAPPEN_LENGTH
    assert attack.tries.endswith((".", "?", ")"))
    assert attack.must_happen.endswith((".", ")"))
    # One that succeeds where nothing is hardened has words for it.
    assert BREACH in attack.code or not attack.breaches_unhardened


def test_there_are_enough() -> None:
    """There are many attacks of every area, no two with one name or title; more than half run in gVisor, too."""
    attacks = read_attacks()
    assert len(attacks) >= 200
    counts = collections.Counter(attack.area for attack in attacks)
    assert min(counts[area] for area in AREAS) >= 4
    assert len({attack.name for attack in attacks}) == len(attacks)
    assert len({attack.title for attack in attacks}) == len(list(ATTACKS.glob("*.py")))
    assert len(attacks_on(Kernel.GVISOR)) >= 120


def test_plain_header(tmp_path: Path) -> None:
    """What isn't said has its usual value."""
    attack = read(tmp_path, PLAIN)
    assert (attack.title, attack.tries) == ("A title.", "to do harm in some way or other.")
    assert attack.must_happen == "nothing of the kind, whatever it takes."
    assert attack.outcomes == dict.fromkeys(Kernel, frozenset({Outcome.PROGRAM_ERROR}))
    assert (attack.contains, attack.lacks, attack.machine, attack.asks) == ((), (), None, None)
    assert (attack.copies, attack.breaches_unhardened) == (Copies.ONE, False)
    assert attack.code == PLAIN


def test_full_header(tmp_path: Path) -> None:
    """Every line is read."""
    attack = read(
        tmp_path,
        PLAIN + "# outcome on gvisor: ok killed\n# varies: for a reason\n"
        "# response contains: one: two\n# response contains: three\n"
        "# response lacks: four\n# machine: x86_64\n# copies: overlapping\n"
        '# asks: {"format": "svg"}\n'
        "# unhardened: breach\n\n# outcome: not a line of the header\nplt.plot([1])\n",
    )
    assert attack.outcomes[Kernel.RUNC] == {Outcome.PROGRAM_ERROR}
    assert attack.outcomes[Kernel.GVISOR] == {Outcome.OK, Outcome.KILLED}
    assert (attack.contains, attack.lacks, attack.machine) == (("one: two", "three"), ("four",), "x86_64")
    assert (attack.copies, attack.asks, attack.breaches_unhardened) == (Copies.OVERLAPPING, {"format": "svg"}, True)
    assert list(read(tmp_path, PLAIN + "# only on: runc, for a reason\n").outcomes) == [Kernel.RUNC]


def test_cases(tmp_path: Path) -> None:
    """A file with cases is an attack for each, which finds its own in the code."""
    (tmp_path / "network_x.py").write_text(text := PLAIN + "# cases: a b\n")
    attacks = read_file(tmp_path / "network_x.py")
    assert {attack.name: attack.code for attack in attacks} == {
        f"network_x_{case}": f"CASE = '{case}'\n{text}" for case in "ab"
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("print(1)\n", "docstring"),
        (PLAIN.replace("Must happen", "Should happen"), "docstring"),
        (PLAIN.replace("# outcome: program_error\n", ""), "missing"),
        (PLAIN + "# outcome: ok\n", "more than once"),
        (PLAIN.replace("program_error", "fine"), "fine"),
        (PLAIN.replace("program_error", "program_error ok"), "varies"),
        (PLAIN + "# varies: without need\n", "varies"),
        (PLAIN + "# outcom: ok\n", "not a line of a header"),
        (PLAIN + "# a remark\n", "not a line of a header"),
        (PLAIN + "# response lacks:  \n", "not a line of a header"),
        (PLAIN + "# only on: runc\n", "reason"),
        (PLAIN + "# only on: docker, as it is\n", "docker"),
        (PLAIN + "# copies: many\n", "many"),
        (PLAIN + "# unhardened: maybe\n", "unhardened"),
        (PLAIN + "# asks: svg\n", "Expecting value"),
        (PLAIN + "# asks: []\n", "asks"),
    ],
)
def test_bad_headers(tmp_path: Path, text: str, complaint: str) -> None:
    """A header that can't be read is an error that names its file."""
    with pytest.raises(BadHeader, match=complaint) as caught:
        read(tmp_path, text)
    assert "network_x.py" in str(caught.value)
