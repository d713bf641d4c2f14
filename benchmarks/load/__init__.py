"""A load whose right answers are known: many clients, every answer judged, and what faults did to them as a table."""
