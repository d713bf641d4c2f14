"""The gateway: authenticates plotting code, has it drawn in a sandbox, checks and serves the picture."""
