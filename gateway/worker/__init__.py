"""Work on hostile bytes in processes that can do nothing else, and are killed when they take too long."""
