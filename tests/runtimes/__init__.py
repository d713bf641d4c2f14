"""The same promises on every runtime, and where they differ, as the documents say it."""
