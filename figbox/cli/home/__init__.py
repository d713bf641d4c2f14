"""The home: the clone of Figbox with gateway and images' recipes, and the services that are started from it."""

from __future__ import annotations

from figbox.cli.home.clone import find_home

__all__ = ["find_home"]
