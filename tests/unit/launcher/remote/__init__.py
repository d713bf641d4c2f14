"""Unit tests of `gateway.launcher.remote`."""
