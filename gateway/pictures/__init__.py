"""Checks of the pictures that a runner returns: structure and size; nothing is decoded."""
