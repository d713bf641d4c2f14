"""Unit tests of `gateway.launcher.fork`."""
