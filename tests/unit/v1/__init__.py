"""Unit tests of `gateway.v1`."""
