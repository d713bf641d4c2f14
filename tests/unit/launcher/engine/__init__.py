"""Unit tests of `gateway.launcher.engine.docker_engine`."""
