"""What the process's memory is for: how it is shared out, who holds what of it, and how it goes back to the system."""
