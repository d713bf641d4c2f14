"""Tests of what is found in figures."""
