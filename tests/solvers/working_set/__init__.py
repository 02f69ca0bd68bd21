"""Tests of the engine of working sets."""
