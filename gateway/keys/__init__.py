"""API keys: who may ask, and what each key has left."""
