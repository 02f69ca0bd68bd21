"""The error of options that exclude each other whatever the data: a usage error on the command line."""

from __future__ import annotations


class OptionConflict(ValueError):
    """Options that do not go together, in one sentence that says what to do."""
