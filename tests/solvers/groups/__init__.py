"""Tests of the engines of groups."""
