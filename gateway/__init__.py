"""The gateway: authenticates plotting code, has it drawn in a sandbox, checks and serves the picture."""

#: That of the whole project: `pyproject.toml` and the client have the same.
__version__ = "0.1.0"
