"""What goes wrong with a check before any figure is compared."""

from __future__ import annotations


class CheckError(Exception):
    """A file of the project, or its git repository, can't be used; the text says which and why."""
