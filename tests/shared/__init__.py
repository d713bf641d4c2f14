"""What nodes share by a real Redis: allowances, revocations and kept renders, and what they do without it."""
