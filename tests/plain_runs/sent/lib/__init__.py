"""A package beside the code."""
