"""The client: its parts without any connection, and whole against a service that plays the contract."""
