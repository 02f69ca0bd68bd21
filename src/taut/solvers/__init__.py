"""Solvers: problems in, solutions with certificates out; one engine per file."""
