"""Animations: which one a figure has, its frames, and the files that hold them."""
