"""Connections, and requests before and after their handlers: limits, checks, headers, errors."""
