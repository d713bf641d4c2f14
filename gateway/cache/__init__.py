"""Renders kept on disk for the next identical request of the same key."""
