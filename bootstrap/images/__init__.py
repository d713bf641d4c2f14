"""Images: what goes into them, where their base and their packages come from, and how they are built."""
