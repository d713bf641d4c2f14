"""One table, or a few that belong together, in each module; each has `text()`."""
