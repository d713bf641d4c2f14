"""Unit tests of `gateway.model`."""
