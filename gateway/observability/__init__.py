"""What the operator sees of the service: its log and its metrics."""
