"""Modes beside drawing: they describe the image, or try the sandbox for a self-test. Each writes JSON."""
