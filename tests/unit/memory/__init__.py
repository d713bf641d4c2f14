"""Unit tests of `gateway.memory`."""
