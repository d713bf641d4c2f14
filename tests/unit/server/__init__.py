"""Unit tests of `gateway.server`."""
