"""Snapshots: the memory of one runner that has imported everything, from which later containers begin."""
