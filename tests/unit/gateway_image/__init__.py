"""The programs of the gateway's image."""
