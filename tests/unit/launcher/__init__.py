"""Unit tests of `gateway.launcher`."""
