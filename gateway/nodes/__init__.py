"""This node among others."""
