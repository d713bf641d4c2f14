"""Tests of what watches the service: alert rules, dashboard, log lines; with the real Prometheus."""
