"""The container specification line by line: each line is taken out alone, and something must get through."""
