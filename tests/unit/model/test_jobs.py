"""The shared types: limits that are only lowered, reprs without code, printable text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.jobs import Job, Limits, NamedFile
from gateway.model.results import ERROR_TEXT_LIMIT, Outcome, Result, Stages, Text, printable, printed
from gateway.server.middleware import server_timing

BOUNDED = settings(deadline=None, max_examples=200)


def acts(char: str) -> bool:
    """Tell whether a character does something to a terminal or a log, or is none."""
    turning = unicodedata.bidirectional(char) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return turning or (unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} and char not in "\t\n")


@BOUNDED
@given(
    st.text(st.characters(exclude_categories=()), max_size=60) | st.text("ab\n\x1b\u2028\u202e\ud800é", max_size=60),
    st.integers(13, 80),
)
def test_printable_is_printable_and_short(text: str, limit: int) -> None:
    """Whatever a guest says, what is passed on is printable, within its limit, and its end is kept."""
    shown = printable(text, limit)
    assert all(not acts(char) for char in shown)
    assert len(shown) <= limit
    shown.encode()
    kept = min(len(text), limit - 12)
    expected = ["\N{REPLACEMENT CHARACTER}" if acts(char) else char for char in text]
    assert "".join(expected[len(expected) - kept :]) == shown[len(shown) - kept :]


#: What looks like a space, or like nothing, and is text: of Japanese, French, Persian, German, Khmer, Hebrew, of emoji,
#: and letters that our Unicode doesn't know.
KEPT = (
    *(
        "売上\u3000合計",
        "1\u202f000 10\u00a0%",
        "می\u200cرود",
        "Donau\u00addampf",
        "\u1780\u200b\u1781",
        "\u05d0\u200f1",
    ),
    *("👨\u200d👩\u200d👧", "🏴\U000e0067\U000e007f", "\ufeffa", "\uf000", "\u0378"),
)


def test_printable_leaves_good_text_alone() -> None:
    """Text of any language within the limit is passed on as it is."""
    for text in ("", "Traceback:\n\tline 1", "図の題名 é", "x" * ERROR_TEXT_LIMIT, *KEPT):
        assert text == printable(text) == printed(text)


@pytest.mark.parametrize("char", ["\r", "\v", "\f", "\u2028", "\u2029"])
def test_prints_keep_their_ends_of_lines(char: str) -> None:
    """What moves to another line is kept in what a program printed, and replaced in what describes it."""
    assert (printed(f"1 %{char}2 %"), printable(char)) == (f"1 %{char}2 %", "\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize("char", ["\x00", "\x07", "\x08", "\x1b", "\x7f", "\x85", "\x9b", "\u202e", "\u2066", "\ud800"])
def test_printable_replaces_what_acts_on_a_terminal(char: str) -> None:
    """Control characters, marks that turn the direction of text, and surrogates are replaced."""
    assert printable(f"a{char}b") == printed(f"a{char}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_reprs_keep_code_and_pictures_to_themselves() -> None:
    """Code, pictures and guest text stay out of reprs, since these end up in logs."""
    shown = repr(Job("secret()", files=(NamedFile("a", b"secret()"),))) + repr(
        Result(Outcome.OK, (), "secret()", stdout=Text("secret()"))
    )
    assert "secret" not in shown
    assert "8 chars" in shown


def test_server_timing_names_every_stage() -> None:
    """The header lists the four stages in milliseconds as the standard wants it."""
    stages = Stages(queue_ms=1.25, acquire_ms=2, run_ms=300.04, check_ms=0)
    expected = "queue;dur=1.2, acquire;dur=2.0, run;dur=300.0, check;dur=0.0"
    assert server_timing(stages.by_name()) == expected


def test_limits_are_lowered_never_raised() -> None:
    """Requests and keys can lower time and memory, and raise nothing."""
    limits = Limits(wall_limit_s=30, memory_limit_bytes=1000)
    assert limits.lowered() == limits
    assert limits.lowered(1.5, 300) == Limits(wall_limit_s=1.5, memory_limit_bytes=300)
    assert limits.lowered(31, 1001) == limits
    assert limits.lowered(0).wall_limit_s == 0, "nothing is not endless"
