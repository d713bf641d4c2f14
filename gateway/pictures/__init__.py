"""Checks of what a runner says is a picture: structure and size, nothing is decoded."""
