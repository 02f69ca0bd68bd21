"""Losses: value, derivatives, link, null model, conjugate; one final class each, by name in ``LOSSES``."""

from __future__ import annotations

import difflib

from taut.losses.base import Loss
from taut.losses.classes import Logistic, Multinomial
from taut.losses.counts import Poisson
from taut.losses.regression import Huber, SquaredError

__all__ = ["LOSSES", "Huber", "Logistic", "Loss", "Multinomial", "Poisson", "SquaredError", "as_loss"]

LOSSES: dict[str, Loss] = {
    "squared": SquaredError(),
    "logistic": Logistic(),
    "multinomial": Multinomial(),
    "poisson": Poisson(),
    "huber": Huber(),
}
"""The losses by the names that users write."""


def as_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the loss itself.

    Raises ValueError for an unknown name and TypeError for anything else.
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"a loss is one of {', '.join(LOSSES)} or a taut.Loss, not {loss!r}")
    if loss not in LOSSES:
        close = difflib.get_close_matches(loss, LOSSES, n=1, cutoff=0.3)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"there is no loss {loss!r}: {hint}The losses are {', '.join(LOSSES)}.")
    return LOSSES[loss]
