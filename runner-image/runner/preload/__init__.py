"""What is imported beforehand, and how nobody notices until it is used."""
