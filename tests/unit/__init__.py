"""Tests of single parts, without an engine."""
