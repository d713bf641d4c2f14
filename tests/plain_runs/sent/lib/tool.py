"""A tool."""


def double(number: float) -> float:
    """Return twice a number."""
    assert number >= 0, "no negative numbers"
    return 2 * number
