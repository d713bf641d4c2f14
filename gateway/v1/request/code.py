"""What code may contain, in every type of body."""

from __future__ import annotations

#: Code that consists of these alone is blank.
BLANKS = " \t\n\r\f\v"

#: The same rules as a regular expression that every dialect reads alike.
CODE_PATTERN = r"^[^\u0000]*[^\u0000 \t\n\r\f\v][^\u0000]*$"


def find_code_error(code: str) -> str | None:
    """Return what is wrong with the code, or None."""
    if not code.strip(BLANKS):
        return "must not be blank"
    if "\0" in code:
        return "must not contain NUL characters"
    return None
