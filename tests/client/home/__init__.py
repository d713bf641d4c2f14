"""`figbox check` and `figbox accept`."""
