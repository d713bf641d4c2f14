"""Unit tests of `gateway.pictures`."""
