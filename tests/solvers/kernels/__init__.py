"""Tests of the compiled kernels against slow definitions."""
