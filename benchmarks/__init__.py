"""The benchmark of Figbox and its alternatives on this machine: `python -m benchmarks --help`."""
