"""The description of every endpoint, for programs and for people."""
