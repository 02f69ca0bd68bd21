"""Tests that every engine passes, and of the choice of an engine."""
