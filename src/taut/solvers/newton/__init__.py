"""Proximal Newton methods: for independent outputs, for softmax outputs, and for tables of few rows and columns."""
