"""What the writer of a program that failed needs next: the nearest right name or value, or what replaced it."""
