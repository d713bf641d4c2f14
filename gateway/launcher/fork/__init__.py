"""Runners forked by a template that has imported Matplotlib."""
