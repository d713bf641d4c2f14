"""Unit tests of `gateway.launcher.selftest`."""
