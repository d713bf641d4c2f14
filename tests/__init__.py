"""Tests: `unit` and `http` need no engine; `engine` and `chaos` run on a real one."""
