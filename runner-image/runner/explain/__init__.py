"""Figures in words: what they show, what a reader would stumble over, and an alternative text."""
