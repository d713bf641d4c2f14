"""The self-test of the sandbox: at the start, on demand, and while the service runs."""
