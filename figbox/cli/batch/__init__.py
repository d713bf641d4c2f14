"""Rendering of many scripts: which scripts and data files, how many at once, where the pictures go."""
