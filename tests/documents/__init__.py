"""The documents: what they tell people to type is run, and what they say in tables is compared with the code."""
