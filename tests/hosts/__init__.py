"""Hosts that users have, made here: what a test on this machine's own engine can't show."""
