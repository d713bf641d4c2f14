"""The model of many hosts."""
