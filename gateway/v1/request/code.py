"""What code may be, whatever body it comes in."""

from __future__ import annotations

#: Code without anything else in it is blank.
BLANKS = " \t\n\r\f\v"

#: What code is like, as a regular expression that means the same in every dialect.
CODE_PATTERN = r"^[^\u0000]*[^\u0000 \t\n\r\f\v][^\u0000]*$"


def find_code_error(code: str) -> str | None:
    """Return why text can't be code, or None."""
    if not code.strip(BLANKS):
        return "must not be blank"
    if "\0" in code:
        return "must not hold NUL characters"
    return None
