"""Tests of taut.sklearn, the estimators under scikit-learn's names."""
