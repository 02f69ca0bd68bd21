"""MLPClassifier and MLPRegressor: scikit-learn's objective, with exact zeros where an L1 is asked for.

    loss + (alpha/2 Σw² + l1 Σ|w|)/n,    n the rows of a mini-batch (adam) or of all data (lbfgs); biases go free

Trained in compiled passes by proximal Adam, or by the orthant-wise quasi-Newton method. ``partial_fit``, ``solver="sgd"``,
``early_stopping`` and multilabel targets are scikit-learn's own code, which has no L1: with ``l1`` > 0 they are refused.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, Self, final

import numpy as np
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import validate_data

from taut.losses import Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.messages import warn
from taut.path import check_labels, check_numbers
from taut.sklearn.engine import is_explained, row_weights
from taut.sklearn.mlp_training import Trained, Weights, glorot, train
from taut.sklearn.namespace import require_numpy

_SERVED = ("adam", "lbfgs")


@final
class MLPClassifier(neural_network.MLPClassifier):  # type: ignore[misc]
    """scikit-learn's ``MLPClassifier``, trained by taut; ``l1`` ≥ 0 adds l1·Σ|w|/n and makes weights exactly zero."""

    classes_: Any

    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: str = "relu", *, solver: str = "adam", alpha: float = 0.0001,
        batch_size: Any = "auto", learning_rate: str = "constant", learning_rate_init: float = 0.001, power_t: float = 0.5,
        max_iter: int = 200, shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: bool = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: int = 10, max_fun: int = 15000, l1: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(
            hidden_layer_sizes, activation, solver=solver, alpha=alpha, batch_size=batch_size, learning_rate=learning_rate,
            learning_rate_init=learning_rate_init, power_t=power_t, max_iter=max_iter, shuffle=shuffle,
            random_state=random_state, tol=tol, verbose=verbose, warm_start=warm_start, momentum=momentum,
            nesterovs_momentum=nesterovs_momentum, early_stopping=early_stopping,
            validation_fraction=validation_fraction, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon,
            n_iter_no_change=n_iter_no_change, max_fun=max_fun,
        )  # fmt: skip
        self.l1 = l1

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (n, p) and the classes y (n,)."""
        check_l1(self)
        require_numpy(self, X, y)
        check_labels(y)
        if not served(self) or type_of_target(y).startswith("multilabel"):
            return super().fit(X, y, sample_weight)  # type: ignore[no-any-return]
        self._validate_params()
        known = continued(self)
        X, y = _rows(self, X, y, numeric=False)
        self._learn_classes(y, known)
        codes = np.searchsorted(self.classes_, y).astype(np.float64)
        k = len(self.classes_)
        loss: Loss = Multinomial() if k > 2 else Logistic()
        if k == 1:
            return super().fit(X, y, sample_weight)  # type: ignore[no-any-return]
        train_and_keep(self, loss, X, codes, sample_weight, k if k > 2 else 1)
        self.out_activation_ = "softmax" if k > 2 else "logistic"
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False) -> Any:
        refuse_l1(self, incremental)  # scikit-learn's own training, of fit and partial_fit alike
        return super()._fit(X, y, sample_weight=sample_weight, incremental=incremental)

    def _learn_classes(self, y: Any, known: bool) -> None:
        classes = unique_labels(y)
        if known and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {classes}"
            )
        # What scikit-learn's predict and partial_fit read.
        self._label_binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._label_binarizer.classes_


@final
class MLPRegressor(neural_network.MLPRegressor):  # type: ignore[misc]
    """scikit-learn's ``MLPRegressor``, trained by taut; ``l1`` ≥ 0 adds l1·Σ|w|/n and makes weights exactly zero."""

    def __init__(
        self, loss: str = "squared_error", hidden_layer_sizes: Any = (100,), activation: str = "relu", *,
        solver: str = "adam", alpha: float = 0.0001, batch_size: Any = "auto", learning_rate: str = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True,
        random_state: Any = None, tol: float = 1e-4, verbose: bool = False, warm_start: bool = False,
        momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: int = 10, max_fun: int = 15000, l1: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(
            loss, hidden_layer_sizes, activation, solver=solver, alpha=alpha, batch_size=batch_size,
            learning_rate=learning_rate, learning_rate_init=learning_rate_init, power_t=power_t, max_iter=max_iter,
            shuffle=shuffle, random_state=random_state, tol=tol, verbose=verbose, warm_start=warm_start,
            momentum=momentum, nesterovs_momentum=nesterovs_momentum, early_stopping=early_stopping,
            validation_fraction=validation_fraction, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon,
            n_iter_no_change=n_iter_no_change, max_fun=max_fun,
        )  # fmt: skip
        self.l1 = l1

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (n, p) and y (n,) or (n, q)."""
        check_l1(self)
        require_numpy(self, X, y)
        check_numbers("y", y)
        if not served(self):
            return super().fit(X, y, sample_weight)  # type: ignore[no-any-return]
        self._validate_params()
        given = X, y
        X, y = _rows(self, X, y, numeric=True)
        targets = np.asarray(y, dtype=np.float64)
        poisson = self.loss == "poisson"
        if is_explained(targets, np.ones(len(targets)), True) or (poisson and targets.ndim == 2):
            return super().fit(*given, sample_weight)  # type: ignore[no-any-return]
        outputs = 1 if targets.ndim == 1 else targets.shape[1]
        train_and_keep(self, Poisson() if poisson else SquaredError(), X, targets, sample_weight, outputs)
        self.out_activation_ = "exp" if poisson else "identity"
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False) -> Any:
        refuse_l1(self, incremental)  # scikit-learn's own training, of fit and partial_fit alike
        return super()._fit(X, y, sample_weight=sample_weight, incremental=incremental)


def check_l1(model: Any) -> None:
    """A number ≥ 0."""
    if not isinstance(model.l1, Real) or not float(model.l1) >= 0:
        raise ValueError(f"l1 must be a number of at least 0, got {model.l1!r}")


def served(model: Any) -> bool:
    """Whether taut's training has what is asked for."""
    return model.solver in _SERVED and not (model.early_stopping and model.solver == "adam")


def refuse_l1(model: Any, incremental: bool) -> None:
    """ValueError where weights would have to become zero in a training that can not do it."""
    check_l1(model)
    if model.l1 > 0:
        wanted = "solver='adam' or 'lbfgs', no early_stopping, and a target that is neither multilabel nor constant"
        raise ValueError(
            f"l1 > 0 needs {'fit, not partial_fit: use warm_start=True' if incremental else wanted}"
        )


def continued(model: Any) -> bool:
    """Whether this fit goes on from the last one."""
    return bool(model.warm_start and "coefs_" in vars(model))


def _rows(model: Any, X: Any, y: Any, numeric: bool) -> tuple[Any, Any]:
    X, y = validate_data(
        model, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=numeric,
        dtype=(np.float64, np.float32), reset=not continued(model),
    )  # fmt: skip
    return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def train_and_keep(model: Any, loss: Loss, X: Any, y: Any, sample_weight: Any, outputs: int) -> None:
    """Train, and set everything that scikit-learn's estimators have, so that its partial_fit can go on."""
    hidden = model.hidden_layer_sizes
    sizes = [int(size) for size in (hidden if np.ndim(hidden) else [hidden])]
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    model._random_state = np.random.mtrand._rand if model.random_state is None else model.random_state
    if not isinstance(model._random_state, np.random.RandomState):
        model._random_state = np.random.RandomState(model._random_state)
    fresh = not continued(model)
    units = [X.shape[1], *sizes, outputs]
    start = (
        glorot(units, model.activation, model._random_state)
        if fresh
        else Weights(model.coefs_, model.intercepts_)
    )
    trained = train(model, loss, X, y, row_weights(sample_weight, X), start)
    _keep(model, trained, units, len(y), fresh, X.dtype)
    if not trained.converged:
        warn(
            f"{'lbfgs' if model.solver == 'lbfgs' else 'Stochastic Optimizer'}: Maximum iterations ({model.max_iter}) "
            "reached and the optimization hasn't converged yet.",
            ConvergenceWarning,
        )


def _keep(model: Any, trained: Trained, units: list[int], n: int, fresh: bool, kind: Any) -> None:
    model.coefs_ = [coef.astype(kind) for coef in trained.weights.coefs]
    model.intercepts_ = [intercept.astype(kind) for intercept in trained.weights.intercepts]
    if not all(np.isfinite(values).all() for values in (*model.coefs_, *model.intercepts_)):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
            " preprocessed."
        )
    model.n_layers_, model.n_outputs_, model.n_iter_ = len(units), units[-1], trained.epochs
    model.loss_, model.t_ = trained.losses[-1], (0 if fresh else model.t_) + trained.epochs * n
    model._best_coefs, model._best_intercepts = list(model.coefs_), list(model.intercepts_)
    if model.solver == "lbfgs":
        return
    model.loss_curve_ = trained.losses if fresh else [*model.loss_curve_, *trained.losses]
    model._no_improvement_count = 0
    model.best_loss_ = min(model.loss_curve_)
    model.validation_scores_, model.best_validation_score_ = None, None
