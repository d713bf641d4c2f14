"""The whole service on a real engine."""
