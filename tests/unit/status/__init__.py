"""The command that shows an operator how the service is."""
