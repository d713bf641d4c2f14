"""The alternative text of a figure in the file of its picture, where that was asked for."""
