"""Alternative texts, from descriptions alone."""
