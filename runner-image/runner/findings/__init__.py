"""Findings: what a reader of a figure would stumble over, found by looking at its artists after it was saved."""
