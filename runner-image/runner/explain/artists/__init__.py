"""Artists of an axes, as people name them: what belongs to one call is one entry."""
