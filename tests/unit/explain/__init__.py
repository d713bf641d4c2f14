"""Descriptions and alternative texts of figures, made by the runner's modules in this process."""
