"""What `make release` makes, and what it refuses."""
