"""Unit tests of `gateway.keys`."""
