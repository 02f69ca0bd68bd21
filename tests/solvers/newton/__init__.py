"""Tests of the Newton engines."""
