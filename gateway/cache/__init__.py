"""Renders kept on disk for the same request of the same key."""
