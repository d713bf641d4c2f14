"""The launcher: the only part that holds the engine's socket and decides what a container may be."""
