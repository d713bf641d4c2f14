"""Load and faults at once, by a seeded plan; every response is judged."""
