"""The compose deployment, brought up as a newcomer would, and what its files promise."""
