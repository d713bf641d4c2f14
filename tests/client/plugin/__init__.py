"""The plugin for pytest, against a fake service."""
