"""The laws that every new class must pass: public, so that a penalty, loss or solver of your own can be tested."""

from taut.laws.penalty import check_penalty

__all__ = ["check_penalty"]
