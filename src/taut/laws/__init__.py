"""The laws that every new class must pass: public, so that they can test a class of your own."""

from taut.laws.penalty import check_penalty

__all__ = ["check_penalty"]
