"""A plugin for pytest: tests that return or name a script have its figures checked, as `figbox check` does.

It is a package of its own, so that pytest can load it without importing the client; only a test that uses it does.
"""
