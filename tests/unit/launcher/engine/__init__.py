"""Unit tests of `gateway.launcher.engine`."""
