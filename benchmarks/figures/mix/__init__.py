"""Eight programs in the kinds of a public gallery."""
