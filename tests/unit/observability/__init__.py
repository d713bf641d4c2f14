"""Unit tests of `gateway.observability`."""
