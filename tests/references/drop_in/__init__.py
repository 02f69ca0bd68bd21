"""scikit-learn's own test files, run on taut's drop-ins."""
