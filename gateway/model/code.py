"""What code may contain and how long it may be, in every type of body."""

from __future__ import annotations

from gateway.model.errors import BodyTooLarge

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


def check_code_length(code: str, limit_bytes: int) -> None:
    """Refuse code that is too long.

    Raises:
        BodyTooLarge: It has more bytes, as UTF-8.
    """
    if len(code.encode()) > limit_bytes:
        raise code_too_long(limit_bytes)


def code_too_long(limit_bytes: int) -> BodyTooLarge:
    """Return the error for code of more bytes than it may have."""
    return BodyTooLarge(f"'code' is longer than {limit_bytes} bytes")
