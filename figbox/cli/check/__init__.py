"""`figbox check` and `figbox accept`: which sources there are, rendering them, and telling what became of them."""
