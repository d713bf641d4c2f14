"""Figbox's set-up: it turns a fresh clone into a gateway that can be started, and skips steps that are done."""
