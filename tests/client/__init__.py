"""The client: its parts without a connection, and as a whole with a fake service."""
