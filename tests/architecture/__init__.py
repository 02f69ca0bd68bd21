"""Checks of the repository itself: sizes, imports, documentation, what starting costs."""
