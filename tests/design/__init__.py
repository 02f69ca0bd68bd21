"""Tests of reading a table and learning its preparation."""
