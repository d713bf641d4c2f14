"""The Grafana dashboard, made from a description that a person can review."""
