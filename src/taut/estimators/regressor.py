"""The estimator for numeric targets."""

from __future__ import annotations

from typing import Any, Unpack, final

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import validate_data

from taut.estimators.base import LossTarget, PathEstimator
from taut.estimators.options import ORDER, as_regression_loss
from taut.options import EstimatorOptions
from taut.path import check_numbers
from taut.signature import describes, explains_arguments
from taut.types import Float


@final
@describes(EstimatorOptions)
class Regressor(RegressorMixin, PathEstimator):  # type: ignore[misc]
    """A regularized linear model or neural network for numbers, its strength chosen from the data.

    It minimises F = L + λ·Ω along a path of λ: L the weighted mean loss over the standardised rows, Ω the
    penalty on the weights, not on intercepts unless ``penalize_biases``. ``lam`` and ``rule`` choose the λ.

    Parameters
    ----------
    hidden : sizes of the hidden layers, such as ``(64,)``; ``()`` is a linear model.
    loss : ``"squared"``, ``"huber"``, ``"poisson"``, ``"gamma"``, ``"tweedie"``, another name of ``taut.families``, or a
        ``Loss`` of numbers.
    fit_intercept : whether η has a constant.
    random_state : decides the folds and how a network starts.
    warm_start : for ``lam`` a number: a network is trained on from the weights of the fit before, and a linear solution
        that still meets ``tol`` is kept. Where folds choose, all start afresh: weights that saw a fold's held-out rows
        would flatter its score.
    <EstimatorOptions>

    Attributes
    ----------
    coef_, intercept_ : (p,) and a number, or (q, p) and (q,), in the units of X and y; linear models.
    coefs_, intercepts_ : one matrix (in, out) and one vector (out,) per layer, in those units; networks.
    skip_coef_ : the linear connection (p, q) of a network.
    lam_, l1_ratio_, gamma_, path_ : the strength, the mix, the blend with the refit, the ``Path`` of all rows.
    n_iter_ : passes of the engine at the chosen strength, at least 1; linear models.
    scores_ : ``Scores`` over the folds, or None where no row was held out.
    measures_ : ``Scores`` of every scorer by name, as losses: minus the score.
    criteria_ : ``Criteria`` for ``lam="aic"`` and its like, or None.
    chosen_ : ``Choice``: network or linear, and by how much.
    rival_path_, rival_scores_ : of the model that was not taken, or None.
    n_features_in_, feature_names_in_ : what X looked like.
    loss_ : the ``Loss``.

    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning* (2nd ed.), §3.4 and §7.10.
    """

    @explains_arguments(EstimatorOptions, order=ORDER, restarts=1)
    def __init__(
        self,
        hidden: Any = (),
        *,
        loss: Any = "squared",
        fit_intercept: bool = True,
        random_state: Any = None,
        warm_start: bool = False,
        **options: Unpack[EstimatorOptions],
    ) -> None:
        self.hidden, self.loss, self.fit_intercept = hidden, loss, fit_intercept
        self.random_state, self.warm_start = random_state, warm_start
        self._set(options)

    def predict(self, X: Any, offset: Any = None) -> Float:
        """The expected target: (n,), or (n, q) for several outputs; a rate for the Poisson loss.

        ``offset`` (n,): what is added to η; a model that was fitted with one needs one here.
        """
        eta = self._eta(X, offset)
        mean = np.asarray(self.loss_.inverse_link(eta))
        return mean if self._outputs else mean[:, 0]

    def predict_interval(self, X: Any, coverage: float = 0.9, offset: Any = None) -> Float:
        """Lower and upper ends (n, 2) of intervals that a share ``coverage`` of new targets lies in, by CV+.

        At a fixed λ at least 1 − 2(1 − ``coverage``) is certain and ``coverage`` usual; λ was chosen on the same folds, and
        what that does was measured (docs/choosing.md). Infinite where too few rows, or groups, were held out. ``offset`` as in
        ``predict``. Raises ValueError where no row was held out, and for several outputs.

        Barber, Candès, Ramdas and Tibshirani, *Ann. Statist.* 49 (2021).
        """
        errors, rows = self._judged(X, offset)
        return errors.interval(self.loss_, rows, coverage, offset)

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """R² of the predictions, the mean over the outputs."""
        return float(r2_score(y, self.predict(X, offset), sample_weight=sample_weight))

    def _check(self, X: Any, y: Any) -> tuple[Any, Any]:
        check_numbers("y", y)
        options = {"multi_output": self._several(), "y_numeric": True, "dtype": np.float64}
        checked: tuple[Any, Any] = validate_data(self, X, y, accept_sparse=self._sparse(), **options)
        return checked

    def _several(self) -> bool:
        """Whether y may have several columns."""
        return as_regression_loss(self.loss).traits.several_outputs

    def _target(self, y: Any, weight: Float) -> LossTarget:
        values = np.asarray(y, dtype=np.float64)
        self._outputs = values.ndim == 2
        return LossTarget(as_regression_loss(self.loss), values, weight)

    def _linear_shape(self, coef: Float, intercept: Float) -> tuple[Float, Any]:
        return (coef, intercept) if self._outputs else (coef[0], float(intercept[0]))

    def __sklearn_tags__(self) -> Any:
        """Several outputs where the loss takes them, as squares and Huber's do; positive targets where it asks for them."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self._several()
        tags.target_tags.positive_only = as_regression_loss(self.loss).traits.lowest >= 0.0
        return tags
