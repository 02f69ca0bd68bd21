"""Tests of taut inside other libraries."""
