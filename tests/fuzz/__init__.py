"""Fuzzing of everything that reads hostile bytes; `python -m tests.fuzz` runs it, `targets.py` says what must hold."""
