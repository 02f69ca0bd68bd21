"""Losses: value, derivatives, link, null model, conjugate; one final class each, by name in ``LOSSES``."""

from __future__ import annotations

from taut.losses.base import Loss
from taut.losses.classes import Logistic, Multinomial
from taut.losses.counts import Poisson
from taut.losses.regression import Huber, SquaredError
from taut.messages import suggestion, written

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
        raise TypeError(f"a loss is one of {', '.join(LOSSES)} or a taut.Loss, not {written(loss)}")
    if loss not in LOSSES:
        raise ValueError(
            f"there is no loss {loss!r}{suggestion(loss, LOSSES)}; the losses are {', '.join(LOSSES)}"
        )
    return LOSSES[loss]
