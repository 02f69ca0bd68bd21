"""Test scores: what the rows that nothing has seen say about the chosen model and those it could have been."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import taut.path as paths
import taut.selection as selection
import taut.solvers as solvers
from taut.design import Classes, Quantity, Target
from taut.losses import Loss
from taut.tabular.confusion import Confusion, confusion_of
from taut.tabular.inputs import PreparedData, SplitRows
from taut.tabular.words.metrics import metric_of, null_eta
from taut.types import Float

if TYPE_CHECKING:
    from taut.estimators import Fitted, Plan

MAX_FREE_CELLS = 1 << 22
"""A larger table is not copied for its unpenalised fit, but read in blocks of ``FREE_BLOCK`` numbers."""
FREE_BLOCK = 1 << 20
NOT_UNIQUE = "not unique"
MAX_FREE_WORK = 2e10
"""The unpenalised fit is left out where its work exceeds this: it would take longer than the path."""
SOLVING = 20.0
"""Work of a Newton step of least norm, in cubes of its number of coefficients."""


@dataclass(frozen=True)
class TestScore:
    """One model on the test rows: the loss as it is shown, the second number, what must be known about it, and the standard
    error of the first, √(Σ w²(ℓ − mean)²)/Σ w · √(n/(n − 1)) over the n test rows, on the scale that is shown."""

    model: str
    score: float
    second: float
    note: str = ""
    error: float = float("nan")


class TestedModel(NamedTuple):
    """A model to score: its name, η on the test rows (None where it was not fitted), a note."""

    model: str
    eta: Float | None
    note: str = ""


def score_model(loss: Loss, tested: TestedModel, part: SplitRows, target: Target) -> TestScore:
    """Score one model on the rows of ``part``, in the units of the table; rows weigh as much as they are given."""
    if tested.eta is None:
        return TestScore(tested.model, float("nan"), float("nan"), tested.note)
    metric, eta, y = metric_of(loss), tested.eta, part.y
    if isinstance(target, Quantity):
        eta, y = target.restored(eta), target.restored(y)
    rows, counted = selection.HeldOutLoss((loss,)).rows(eta, y), part.weight > 0
    shares = part.weight[counted] / part.weight.sum()
    mean, error = selection.mean_and_error(rows[counted], shares, np.ones(len(shares)))
    second = metric.second(loss, eta, y, part.weight, part.offset)
    shown = float(metric.show_error(mean, error))
    return TestScore(tested.model, float(metric.show(mean)), second, tested.note, shown)


def score_test_rows(prepared: PreparedData, plan: Plan, fitted: Fitted) -> tuple[TestScore, ...]:
    """Score the chosen model, the other rule's, the one not taken, the unpenalised and the null model; empty
    without a test part."""
    if prepared.test is None or prepared.test.weight.sum() == 0:
        return ()
    models = _tested_models(prepared.train, prepared.test, plan, fitted)
    target = prepared.setting.target
    return tuple(score_model(plan.spec.loss, tested, prepared.test, target) for tested in models)


def find_confusion(prepared: PreparedData, fitted: Fitted) -> Confusion | None:
    """Which classes the chosen model takes for which on the test rows; None for numbers, and without test rows."""
    test, target = prepared.test, prepared.setting.target
    if test is None or test.weight.sum() == 0 or not isinstance(target, Classes):
        return None
    eta = _shifted(outputs(fitted.layers.decision(test.X)), test)
    return confusion_of(eta, test.y, test.weight, len(target.labels))


def _tested_models(train: SplitRows, test: SplitRows, plan: Plan, fitted: Fitted) -> Iterator[TestedModel]:
    # A temperature goes with no offset; the class that is predicted does not depend on it.
    eta = outputs(fitted.layers.decision(test.X)) / fitted.temperature
    yield TestedModel("chosen", _shifted(eta, test))
    chosen = fitted.chosen
    if chosen.scores is not None:
        deciding = chosen.scores.deciding
        for name in ("min", "1se"):
            if deciding.index(name) != chosen.index:
                yield TestedModel(name, chosen.path.decision_at(test.X, deciding.index(name), test.offset))
    if fitted.other is not None:
        name = "network" if fitted.choice.model == "linear" else "linear"
        yield TestedModel(name, fitted.other.path.decision_at(test.X, fitted.other.index, test.offset))
    yield _unpenalised(train, test, plan)
    yield TestedModel("null", _null(plan.spec.loss, train, test))


def outputs(eta: Float) -> Float:
    """η (n, k) as losses want it: (n,) where there is one output."""
    return eta[:, 0] if eta.shape[1] == 1 else eta


def _unpenalised(train: SplitRows, test: SplitRows, plan: Plan) -> TestedModel:
    n, p = train.X.shape
    if p >= n:
        return TestedModel("unpenalised", None, "not unique, p ≥ n")
    if not is_affordable(train, plan.spec.loss):
        return TestedModel("unpenalised", None, "not computed, too many coefficients")
    if n * p > MAX_FREE_CELLS and plan.spec.loss.traits.constant_curvature and plan.spec.fit_intercept:
        coef, unique = tall_least_squares(train.X, train.shifted, train.weight)
        eta = _shifted(test.X @ coef[1:] + coef[0], test)
        return TestedModel("unpenalised", eta, "" if unique else NOT_UNIQUE)
    path = paths.fit_linear(plan.spec, train.X, train.y, train.weight[None], [0.0], train.offset)[0]
    eta = path.decision_at(test.X, 0, test.offset)
    return TestedModel("unpenalised", eta, path.certificates[0].note.partition(":")[0])


def is_affordable(train: SplitRows, loss: Loss) -> bool:
    """Whether an unpenalised fit takes no longer than a path: n·m² for m coefficients, and m³ for Newton's steps."""
    width = float(train.X.shape[1] * np.size(loss.null(train.y, train.weight)))
    solving = 0.0 if loss.traits.constant_curvature else SOLVING * width**3
    return bool(train.X.shape[0] * width**2 + solving <= MAX_FREE_WORK)


def tall_least_squares(X: Float, y: Float, weight: Float) -> tuple[Float, bool]:
    """Intercept and coefficients (1 + p,) of weighted least squares, those of least norm, and whether they are unique.

    Rows are read once, a block at a time: the triangle of (1, X, y) takes up each block by an orthogonal step.
    Golub and Van Loan, *Matrix Computations* (4th ed.), §6.5; Demmel et al., *SIAM J. Sci. Comput.* 34 (2012).
    """
    n, p = X.shape
    matrix, shares = solvers.as_matrix(X), weight / weight.sum()
    center = matrix.center(shares)
    scale = matrix.scale(shares, center)
    scale[scale == 0] = 1.0
    triangle = np.zeros((0, p + 2))
    height = max(4 * p, FREE_BLOCK // (p + 2))
    for start in range(0, n, height):
        rows = slice(start, start + height)
        block = np.column_stack([np.ones(len(y[rows])), (matrix.run(rows) - center) / scale, y[rows]])
        stacked = np.vstack([triangle, block * np.sqrt(weight[rows])[:, None]])
        triangle = np.asarray(np.linalg.qr(stacked, mode="r"))
    coef, _, rank, _ = np.linalg.lstsq(triangle[:, :-1], triangle[:, -1], rcond=1e-12)
    coef[1:] /= scale
    coef[0] -= center @ coef[1:]
    return coef, int(rank) == p + 1


def _null(loss: Loss, train: SplitRows, test: SplitRows) -> Float:
    constant = null_eta(loss, train.y, train.weight, train.offset)
    return _shifted(np.broadcast_to(constant, (len(test.y), *constant.shape)).copy(), test)


def _shifted(eta: Float, part: SplitRows) -> Float:
    """η with the offset of the rows, if they have one."""
    return paths.with_offset(eta, part.offset, False, "this model")
