"""Losses: value, derivatives, link, null model, conjugate; one final class each.

Their names and what is said of them are records in ``taut.families``.
"""

from __future__ import annotations

from taut.losses.amounts import Gamma, Tweedie
from taut.losses.base import MAJORANT, BoundLoss, Loss, RowwiseLoss
from taut.losses.classes import Logistic, Multinomial, probabilities
from taut.losses.counts import Poisson
from taut.losses.links import IdentityLink, Link, LogitLink, LogLink, SoftmaxLink
from taut.losses.regression import Huber, SquaredError
from taut.losses.traits import LossTraits

__all__ = [
    "MAJORANT",
    "BoundLoss",
    "Gamma",
    "Huber",
    "IdentityLink",
    "Link",
    "LogLink",
    "Logistic",
    "LogitLink",
    "Loss",
    "LossTraits",
    "Multinomial",
    "Poisson",
    "RowwiseLoss",
    "SoftmaxLink",
    "SquaredError",
    "Tweedie",
    "probabilities",
]
