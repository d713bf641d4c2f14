"""The container engine, and what exactly a container is."""
