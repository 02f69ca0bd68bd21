"""What every path offers, linear or network: strengths, the two terms of F, certificates and predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import Loss
from taut.path.inputs import check_offset, check_strength
from taut.path.knots import Entry, entries
from taut.solvers import Certificate
from taut.types import Float

if TYPE_CHECKING:
    from taut.path.display import Drawing


@dataclass(frozen=True, eq=False, repr=False)
class Path(ABC):
    """Fits at the strengths ``lambdas``, strongest first.

    ``losses`` and ``penalties`` are the two terms of F = L + Ω on the scale where λ lives (standardised X and, for
    squared and Huber losses, y); predictions are in the units of the data as given. ``has_offset``: the rows had an offset,
    and so must those that are predicted. ``named``: strengths that go by a name, where scores have chosen some:
    ``"min"`` and ``"1se"``, which every call that takes λ takes too. ``print(path)`` shows Df, %Dev and λ as glmnet does.
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
    named: Mapping[str, float] = field(default_factory=dict, kw_only=True)

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

    @property
    @abstractmethod
    def used(self) -> NDArray[np.bool_]:
        """Whether the predictions depend on a feature, per λ: (L, p)."""

    def entries(self, names: Sequence[str] = ()) -> tuple[Entry, ...]:
        """Which feature enters or leaves the model at which λ, from the strongest λ on (``lassoknots``, on the grid).

        A feature enters at the strongest λ of the grid at which it is used, and again after it has left. ``names`` (p,): of
        the features, in place of their positions. Each ``Entry`` has ``lam``, ``index`` on the grid, ``feature``, ``enters``.
        Raises ValueError where there are not p names.
        """
        return entries(self.lambdas, self.used, names)

    @abstractmethod
    def decision_at(self, X: Any, index: int, offset: Any = None) -> Float:
        """η for the rows of X at grid position ``index``, before the inverse link."""

    @abstractmethod
    def decision(self, X: Any, lam: float | str, offset: Any = None) -> Float:
        """η for the rows of X at strength ``lam``, a number or one of ``named``."""

    @abstractmethod
    def drawn(self, names: Sequence[str], per_sd: Float | None = None, unit: str = "") -> Drawing:
        """The weights along the path as a page draws them, for features of these ``names`` (p,).

        ``per_sd`` (p,): what turns a linear coefficient in the units of X into one per standard deviation, in ``unit``.
        """

    def predict(self, X: Any, lam: float | str, offset: Any = None) -> Float:
        """The fitted mean at strength ``lam``: numbers, probabilities (n,) or (n, k), or expected counts."""
        return np.asarray(self.loss.inverse_link(self.decision(X, lam, offset)))

    def predict_at(self, X: Any, index: int, offset: Any = None) -> Float:
        """The fitted mean at grid position ``index``."""
        return np.asarray(self.loss.inverse_link(self.decision_at(X, index, offset)))

    def shifted(self, eta: Float, offset: Any) -> Float:
        """η (n, …) with the offset (n,) of the rows; ValueError where the path has one and these rows have none."""
        return with_offset(eta, offset, self.has_offset, "this path")

    def strength(self, lam: float | str) -> float:
        """λ as a number ≥ 0; ValueError for a name that is none of ``named``, and for a number that is no strength."""
        if not isinstance(lam, str):
            return check_strength(lam)
        if lam not in self.named:
            known = f"one of {', '.join(self.named)}, or a number" if self.named else "a number"
            why = (
                ""
                if self.named
                else ": no scores have chosen a strength of this path (taut.cross_validate does)"
            )
            raise ValueError(f"lam = {lam!r} must be {known}{why}")
        return self.named[lam]

    def position(self, lam: float) -> int | None:
        """Grid position of ``lam`` (to 1e-12 relative), or None where it is not on the grid."""
        close = np.flatnonzero(np.isclose(self.lambdas, lam, rtol=1e-12, atol=0.0))
        return int(close[0]) if close.size else None

    def index(self, lam: float | str) -> int:
        """Grid position of ``lam``, a number or one of ``named``; an error that names the
        nearest grid values where it is not on the grid."""
        lam = self.strength(lam)
        position = self.position(lam)
        if position is None:
            nearest = self.lambdas[np.argsort(np.abs(self.lambdas - lam))[:2]]
            shown = " and ".join(f"{value:.6g}" for value in nearest)
            raise ValueError(f"lam = {lam:g} is not on this path's grid; the nearest values are {shown}")
        return position

    def __len__(self) -> int:
        return len(self.lambdas)

    def __str__(self) -> str:
        from taut.path.words import path_words  # only where somebody prints one

        return path_words(self)

    def __repr__(self) -> str:
        span = f"{self.lambdas[0]:.4g} … {self.lambdas[-1]:.4g}" if len(self) else "none"
        return f"<{type(self).__name__} of {len(self)} λ ({span}), {self.n_features} features>"

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
