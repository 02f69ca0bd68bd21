"""From scikit-learn's arguments to taut's engine and back: what all drop-ins share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, _num_samples

from taut.losses import Loss, SquaredError
from taut.messages import warn
from taut.path import LinearPath, PathSpec, check_numbers, check_weights, fit_linear, is_constant, moderate
from taut.penalties import ElasticNet, Penalty
from taut.solvers import MISSED, Certificate
from taut.types import Float

TIGHTEST = 1e-13
"""The smallest relative gap that is asked for: below it rounding decides."""
STRONGEST = 1e300
"""The largest strength that is asked for: beyond it nothing is left of a coefficient."""
UNCONVERGED = "Objective did not converge. You might want to increase the number of iterations."
"""scikit-learn's sentence, for code that filters it."""


class RowWeights(NamedTuple):
    """Row weights (n,) of moderate size, and the power of two by which they are what was given."""

    rows: Float
    unit: float

    def of(self, rows: Any) -> RowWeights:
        """Those of the chosen rows, of which one at least has a weight."""
        own = weights_in_unit(self.rows[rows], self.rows[rows])
        return RowWeights(own.rows, own.unit * self.unit)

    def in_unit(self, summed: Float) -> Float:
        """Strengths beside a loss that is a sum over rows of the weights given, as strengths beside that of ``rows``."""
        with np.errstate(over="ignore"):
            return np.asarray(np.minimum(summed / self.unit, STRONGEST))

    def strengths(self, summed: Float) -> Float:
        """Strengths beside a loss that is a sum over rows of the weights given, as strengths beside their mean."""
        return np.asarray(self.in_unit(summed) / self.rows.sum())


def row_weights(sample_weight: Any, X: Any) -> Float:
    """Row weights (n,), of moderate size; None and a single number > 0 are ones, as everywhere in scikit-learn."""
    return weights_in_unit(sample_weight, X).rows


def weights_in_unit(sample_weight: Any, X: Any) -> RowWeights:
    """``row_weights`` and their unit: for a loss that is a sum over the rows."""
    if sample_weight is None or isinstance(sample_weight, Number):
        check_weights(np.full((1, 1), 1.0 if sample_weight is None else sample_weight, dtype=np.float64), 1)
        return RowWeights(np.ones(_num_samples(X)), 1.0)
    check_numbers("sample_weight", sample_weight)
    weight = np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float64))
    check_weights(weight[None], _num_samples(X))
    return RowWeights(*moderate(weight))


def specification(
    loss: Loss, l1: float, l2: float, fit_intercept: bool, tol: float, positive: bool = False,
    max_iter: int | None = None,
) -> PathSpec:  # fmt: skip
    """l1·Σ|w| + l2·Σw² times the strength, on the data as given; ``max_iter`` iterations at each strength at most."""
    shape: Penalty = ElasticNet(1.0, l1, l2, lower=0.0 if positive else None)
    wanted = min(max(tol, TIGHTEST), 1e-3)
    return PathSpec(
        loss, shape, fit_intercept=fit_intercept, standardize=False, tol=wanted, max_iter=max_iter
    )


def fit_path(spec: PathSpec, X: Any, y: Float, weight: Float, lambdas: Sequence[float] | Float) -> LinearPath:
    """The path of one weighted fit; a target that is the same in every row needs no slope."""
    return fit_linear(spec, as_double(X), np.asarray(y, dtype=np.float64), weight[None], lambdas)[0]


def routing(params: dict[str, Any], model: Any, method: str = "fit") -> bool:
    """Whether metadata routing is on; ValueError, in scikit-learn's words, for ``params`` where it is off."""
    if get_config()["enable_metadata_routing"]:
        return True
    if params:
        raise ValueError(
            f"Passing extra keyword arguments to {type(model).__name__}.{method} is only supported if"
            " enable_metadata_routing=True, which you can set using `sklearn.set_config`. See the User Guide"
            " <https://scikit-learn.org/stable/metadata_routing.html> for more details. Extra parameters passed are:"
            f" {set(params)}"
        )
    return False


def as_double(X: Any) -> Any:
    """X in double precision, dense or sparse as it is."""
    return np.asarray(X, dtype=np.float64) if isinstance(X, np.ndarray) else X.astype(np.float64)


def is_explained(y: Float, weight: Float, fit_intercept: bool) -> bool:
    """Whether no slope is needed: the rows of positive weight have one value, and an intercept has it, or it is 0."""
    return is_constant(y, weight) and (fit_intercept or bool(y[weight > 0.0][0] == 0.0))


def warn_unless_met(
    path: LinearPath, index: int = 0, tol: float | None = None, words: str = UNCONVERGED
) -> None:
    """scikit-learn's warning, in its ``words``, where a strength misses ``tol`` (None: what it was held to)."""
    certificate = path.certificates[index]
    wanted = certificate.tol if tol is None else max(tol, TIGHTEST)
    if certificate.value <= wanted:
        return
    note = f" ({certificate.note})" if certificate.note not in ("", MISSED) else ""
    warn_unconverged(
        f"{words} After {passes(path, index)} iterations the {certificate.measure.value} is {certificate.value:.3g},"
        f" the tolerance {wanted:.3g}{note}"
    )


def warn_of_fits(
    model: Any, certificates: Sequence[Certificate], words: str, tol: float | None = None
) -> None:
    """One warning for all fits to folds that miss ``tol``; with ``verbose`` a line on all of them."""
    missed = [one for one in certificates if one.value > (one.tol if tol is None else max(tol, TIGHTEST))]
    told = f"the largest relative duality gap is {max((one.value for one in certificates), default=0.0):.3g}"
    if model.verbose:
        print(f"[{type(model).__name__}] {len(certificates)} fits to folds, {told}")
    if missed:
        warn_unconverged(
            f"{words} {len(missed)} of {len(certificates)} fits to folds miss the tolerance, {told}"
        )


def warn_unconverged(message: str) -> None:
    """A ``ConvergenceWarning`` at the line that called taut."""
    warn(message, ConvergenceWarning)


def passes(path: LinearPath, index: int) -> int:
    """How many iterations the engine made; one where nothing was to be done, for scikit-learn's solvers make one then."""
    return 1 if path.iterations is None else max(1, int(path.iterations[index]))


def in_kind(values: Any, X: Any) -> Any:
    """``values`` in X's precision: single where X is, double otherwise."""
    kind = np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64
    return np.asarray(values, dtype=kind)


SQUARED = SquaredError()
