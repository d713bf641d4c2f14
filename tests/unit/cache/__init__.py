"""Unit tests of `gateway.cache`."""
