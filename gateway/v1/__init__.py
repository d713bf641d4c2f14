"""`/v1`: the full render interface; one responsibility a file."""
