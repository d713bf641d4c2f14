"""Unit tests of `gateway.startup`."""
