"""Load and faults at once, by a seeded plan; every answer is judged."""
