"""Parts alone, without an engine."""
