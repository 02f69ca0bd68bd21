"""Tests of the penalties: laws, formulas, constructors, records."""
