"""Several nodes behind a real balancer, with the configuration that is in `deploy/`."""
