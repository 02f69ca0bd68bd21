"""Tests of the choice of λ: folds, scores, rules, criteria, variants."""
