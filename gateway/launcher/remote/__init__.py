"""A launcher in a process of its own: both ends of its socket."""
