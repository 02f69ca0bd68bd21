"""Squared losses from second moments: X is read once, and folds are differences of sums."""
