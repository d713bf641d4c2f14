"""Unit tests of `gateway.launcher.snapshot`."""
