"""The load that is judged: its judge, its phases and its clients."""
