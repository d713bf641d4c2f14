"""What stands in for what isn't here: fonts of other systems, child processes, a user with a name."""
