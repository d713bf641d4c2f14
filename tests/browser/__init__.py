"""The report of a check in a real browser."""
