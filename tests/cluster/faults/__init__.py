"""Three nodes under load: what floods and faults cost clients."""
