"""Tests of taut.fit, from a table to what is printed and saved."""
