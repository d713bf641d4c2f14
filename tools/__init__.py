"""Programs that make parts of the documentation and data files from the code."""
