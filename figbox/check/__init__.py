"""What is known of figures that are checked: their facts, the lock with those accepted, and what changed.

Nothing here talks to a service or to people; `figbox.cli.check` does.
"""
