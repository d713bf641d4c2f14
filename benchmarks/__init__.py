"""Measures Figbox beside its alternatives on the machine at hand: `python -m benchmarks --help`."""
