"""Penalties as regularizers of layers: the same values as Keras' own, with slope 0 at weights that are 0."""

from __future__ import annotations

from typing import Any, final

import keras

from taut.integrations.keras.regularizer import seen, tensor
from taut.penalties import L1 as Penalty


@final
class L1(keras.regularizers.Regularizer):  # type: ignore[misc]  # Keras is not checked
    """λ Σ|w| in the loss, for ``kernel_regularizer=``; at w = 0 its slope is 0, where that of ``keras.regularizers.L1`` is 1.

    It shrinks, and a weight at 0 is not pushed off; exact zeros come from ``proximal`` alone.
    """

    def __init__(self, lam: float = 0.01) -> None:
        self.lam = Penalty(lam).lam

    def __call__(self, x: Any) -> Any:
        """λ Σ|w|."""
        return Penalty(self.lam).value(seen(tensor(x)))

    def get_config(self) -> dict[str, float]:
        """What it was made with, for saved models."""
        return {"lam": self.lam}
