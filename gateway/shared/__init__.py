"""What nodes share: a Redis that the operator names, and what is done where there is none."""
