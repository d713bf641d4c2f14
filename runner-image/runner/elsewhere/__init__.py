"""Code that was written for elsewhere, a desktop, a notebook or a chat: what works here, and what is said if not."""
