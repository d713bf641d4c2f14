"""Findings outside of a container: over scripts, their pictures, and what people said of them."""
