"""Short programs of every kind that people write, each run twice: by Figbox, and as `python plot.py` would run it."""
