"""Tests of `gateway.worker`."""
