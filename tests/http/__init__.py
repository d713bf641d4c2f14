"""Tests of the HTTP side, without an engine."""
