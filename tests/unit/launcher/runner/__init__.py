"""Unit tests of `gateway.launcher.runner`."""
