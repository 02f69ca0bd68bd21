"""What every path offers, linear or network: strengths, the two terms of F, certificates and predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import Loss
from taut.path.inputs import check_offset
from taut.solvers import Certificate
from taut.types import Float

if TYPE_CHECKING:
    from taut.path.display import Drawing


@dataclass(frozen=True, eq=False)
class Path(ABC):
    """Fits at the strengths ``lambdas``, strongest first.

    ``losses`` and ``penalties`` are the two terms of F = L + Ω on the scale where λ lives (standardised X and, for
    squared and Huber losses, y); predictions are in the units of the data as given. ``has_offset``: the rows had an offset,
    and so must those that are predicted.
    """

    lambdas: Float
    losses: Float
    penalties: Float
    certificates: tuple[Certificate, ...]
    null_loss: float
    saturated_loss: float
    loss: Loss
    n_features: int
    interrupted: bool
    has_offset: bool = field(default=False, kw_only=True)

    @property
    def objectives(self) -> Float:
        """F = data loss + penalty at each λ."""
        return self.losses + self.penalties

    @property
    def deviance_explained(self) -> Float:
        """1 − (L − saturated)/(null − saturated) at each λ: R² for the squared loss, glmnet's %Dev for the others."""
        reference = self.null_loss - self.saturated_loss
        if reference <= 0.0:
            return np.zeros_like(self.losses)
        return 1.0 - (self.losses - self.saturated_loss) / reference

    @property
    @abstractmethod
    def nonzeros(self) -> NDArray[np.intp]:
        """How many penalised coefficients (linear: features with any) are not exactly zero at each λ."""

    @abstractmethod
    def decision_at(self, X: Any, index: int, offset: Any = None) -> Float:
        """η for the rows of X at grid position ``index``, before the inverse link."""

    @abstractmethod
    def decision(self, X: Any, lam: float, offset: Any = None) -> Float:
        """η for the rows of X at strength ``lam``."""

    @abstractmethod
    def drawn(self, names: Sequence[str], per_sd: Float | None = None, unit: str = "") -> Drawing:
        """The weights along the path as a page draws them, for features of these ``names`` (p,).

        ``per_sd`` (p,): what turns a linear coefficient in the units of X into one per standard deviation, in ``unit``.
        """

    def predict(self, X: Any, lam: float, offset: Any = None) -> Float:
        """The fitted mean at strength ``lam``: numbers, probabilities (n,) or (n, k), or expected counts."""
        return np.asarray(self.loss.inverse_link(self.decision(X, lam, offset)))

    def predict_at(self, X: Any, index: int, offset: Any = None) -> Float:
        """The fitted mean at grid position ``index``."""
        return np.asarray(self.loss.inverse_link(self.decision_at(X, index, offset)))

    def shifted(self, eta: Float, offset: Any) -> Float:
        """η (n, …) with the offset (n,) of the rows; ValueError where the path has one and these rows have none."""
        return with_offset(eta, offset, self.has_offset, "this path")

    def position(self, lam: float) -> int | None:
        """Grid position of ``lam`` (to 1e-12 relative), or None where it is not on the grid."""
        close = np.flatnonzero(np.isclose(self.lambdas, lam, rtol=1e-12, atol=0.0))
        return int(close[0]) if close.size else None

    def index(self, lam: float) -> int:
        """Grid position of ``lam``; an error that names the nearest grid values where it is not on the grid."""
        position = self.position(lam)
        if position is None:
            nearest = self.lambdas[np.argsort(np.abs(self.lambdas - lam))[:2]]
            shown = " and ".join(f"{value:.6g}" for value in nearest)
            raise ValueError(f"lam = {lam:g} is not on this path's grid; the nearest values are {shown}")
        return position

    def __len__(self) -> int:
        return len(self.lambdas)

    def _repr_html_(self) -> str:
        from taut.path.display import path_html  # pages are made up where one is shown

        return path_html(self)


def with_offset(eta: Float, offset: Any, wanted: bool, model: str) -> Float:
    """η (n, …) plus the offset (n,) of its rows; ValueError where ``model``, fitted with one, gets none."""
    if offset is None:
        if wanted:
            raise ValueError(
                f"{model} was fitted with an offset, and a prediction needs one, too: give offset=…, a number for each row"
                " (zeros for the predictor without it)"
            )
        return eta
    shift = check_offset(offset, eta.shape[0])
    return np.asarray(eta + shift.reshape(-1, *[1] * (eta.ndim - 1)))
