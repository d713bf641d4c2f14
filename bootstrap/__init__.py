"""Figbox's set-up: from a fresh clone to a gateway that can be started; steps already done are skipped."""
