"""The laws that every new class must pass: public, so that they can test a class of your own."""

from taut.laws.loss import check_loss
from taut.laws.network import check_network
from taut.laws.penalty import check_penalty
from taut.laws.solver import check_solver

__all__ = ["check_loss", "check_network", "check_penalty", "check_solver"]
