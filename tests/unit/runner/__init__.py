"""The program in the container, as a real process on real pipes and by its modules."""
