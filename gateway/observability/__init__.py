"""The log and the metrics, for the operator."""
