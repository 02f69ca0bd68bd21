"""LogisticRegression: C·Σ s_i ℓ_i + l1_ratio·‖w‖₁ + ½(1 − l1_ratio)·‖w‖², two classes logistic, more multinomial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import scipy.sparse as sp
from sklearn import linear_model
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from taut.losses import Logistic, Multinomial
from taut.messages import warn, written
from taut.path import LinearPath, check_class_weight, check_labels, check_present, continued_path
from taut.sklearn.engine import (
    RowWeights,
    as_double,
    fit_path,
    in_kind,
    passes,
    specification,
    warn_unconverged,
    warn_unless_met,
    weights_in_unit,
)
from taut.sklearn.namespace import as_numpy, fits_any_namespace
from taut.types import Float

_PENALTY_DEPRECATED = (
    "'penalty' was deprecated in version 1.8 and will be removed in 1.10. To avoid this warning, leave 'penalty' set to"
    " its default value and use 'l1_ratio' or 'C' instead. Use l1_ratio=0 instead of penalty='l2', l1_ratio=1 instead of"
    " penalty='l1', l1_ratio set to a float between 0 and 1 instead of penalty='elasticnet', and C=np.inf instead of"
    " penalty=None."
)

_LARGEST = 1e30

LARGE_SPARSE = ("lbfgs", "newton-cg", "newton-cholesky")
"""Solvers for which scikit-learn takes sparse X with 64-bit indices."""


@final
class LogisticRegression(linear_model.LogisticRegression):  # type: ignore[misc]
    """scikit-learn's ``LogisticRegression``, fitted by taut, for every l1_ratio.

    ``solver`` is checked as scikit-learn checks it; all of them give the same optimum, but for ``"liblinear"``, which
    penalises the intercept here too. ``max_iter`` bounds taut's Newton steps, and a solution that then misses ``tol`` is
    warned of; with ``verbose`` > 0 a line says how it went. ``dual``, ``random_state`` and ``n_jobs`` have no effect. With
    ``warm_start`` a solution that still meets ``tol`` is kept and a fit goes on from any other (not with ``"liblinear"``, as in
    scikit-learn).
    """

    @fits_any_namespace
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and the classes y (n,)."""
        self._validate_params()
        mix = resolve_mix(self)
        _warn_of_jobs(self)
        check_labels(y)
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            accept_large_sparse=self.solver in LARGE_SPARSE,
        )
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        check_classes(self, X)
        weight = class_weights(self, X, y, sample_weight)
        k, words = len(self.classes_), unconverged(self)
        if self.max_iter == 0:
            rows = 1 if k == 2 else k
            self._keep(np.zeros((rows, X.shape[1])), np.zeros(rows), 0, X)
            warn_unconverged(f"{words} max_iter=0: every coefficient is 0")
            return self
        design, start = (
            LogisticDesign.of(self, X),
            as_numpy(getattr(self, "coef_", None)) if self.warm_start else None,
        )
        path = design.fit(np.searchsorted(self.classes_, y), k, weight, mix.ratio, [mix.C], start)
        warn_unless_met(path, words=words)
        if self.verbose:
            certificate = path.certificates[0]
            print(
                f"[LogisticRegression] iterations: {passes(path, 0)}, {certificate.measure.value} {certificate.value:.3g}"
            )
        self._keep(*design.coefficients(path, 0, mix.ratio), passes(path, 0), X)
        return self

    def set_callbacks(self, *callbacks: Any) -> Self:
        """As in scikit-learn, with its warning for other solvers than lbfgs; taut's Newton steps call none."""
        if self.solver == "lbfgs":
            warn("taut.sklearn.LogisticRegression calls no callbacks: its iterations are not those of lbfgs")
        return super().set_callbacks(*callbacks)  # type: ignore[no-any-return]

    def _keep(self, coef: Float, intercept: Float, made: int, X: Any) -> None:
        kind = None if self.solver == "liblinear" else X
        self.coef_, self.intercept_ = in_kind(coef, kind), in_kind(intercept, kind)
        self.n_iter_ = np.array([made], dtype=np.int32)


def _warn_of_jobs(model: Any) -> None:
    if model.n_jobs is not None:
        warn(
            "'n_jobs' has no effect since 1.8 and will be removed in 1.10. You provided "
            f"'n_jobs={model.n_jobs}', please leave it unspecified.",
            FutureWarning,
        )


def unconverged(model: Any) -> str:
    """How the warnings of scikit-learn's solvers begin, for code that filters them; the solver is taut's."""
    if model.solver == "liblinear":
        return "Liblinear failed to converge, increase the number of iterations."
    if model.solver in ("sag", "saga"):
        return "The max_iter was reached which means the coef_ did not converge."
    if model.solver == "newton-cholesky":
        return f"Newton solver did not converge after {model.max_iter} iterations."
    return f"{model.solver} failed to converge. Increase the number of iterations."


@dataclass(frozen=True)
class Mix:
    """The strength and the mix that the arguments stand for."""

    C: float
    ratio: float


def resolve_mix(model: Any) -> Mix:
    """C and l1_ratio from the present and the deprecated arguments, with scikit-learn's own words where they clash."""
    penalty, ratio = model.penalty, model.l1_ratio
    if penalty == "deprecated":
        if ratio is None:
            warn(
                "'l1_ratio=None' was deprecated in version 1.8 and will trigger an error in 1.10. Use 0<=l1_ratio<=1"
                " instead.",
                FutureWarning,
            )
        ratio = 0.0 if ratio is None else ratio
        named = {0.0: "l2", 1.0: "l1"}.get(float(ratio), "elasticnet")
        check_solver(model.solver, None if np.isinf(model.C) else named, model.dual)
        return Mix(model.C, float(ratio))
    warn(_PENALTY_DEPRECATED, FutureWarning)
    check_solver(model.solver, penalty, model.dual)
    _warn_of_clashes(penalty, ratio)
    if penalty == "elasticnet" and ratio is None:
        raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
    if penalty is None:
        if model.C != 1.0:
            warn("Setting penalty=None will ignore the C and l1_ratio parameters")
        return Mix(np.inf, 0.0)
    return Mix(model.C, {"l2": 0.0, "l1": 1.0}.get(penalty, ratio))


def _warn_of_clashes(penalty: Any, ratio: Any) -> None:
    if penalty != "elasticnet" and ratio is not None and 0 < ratio < 1:
        warn(f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})")
    if (penalty == "l2" and ratio != 0) or (penalty == "l1" and ratio != 1):
        warn(
            f"Inconsistent values: penalty={penalty} with l1_ratio={ratio}. penalty is deprecated. Please use "
            "l1_ratio only."
        )


def check_solver(solver: str, penalty: str | None, dual: bool) -> None:
    """The combinations that scikit-learn refuses, in its words: code that relies on them finds them here."""
    if solver not in ("liblinear", "saga") and penalty not in ("l2", None):
        raise ValueError(f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty.")
    if solver != "liblinear" and dual:
        raise ValueError(f"Solver {solver} supports only dual=False, got dual={dual}")
    if penalty == "elasticnet" and solver != "saga":
        raise ValueError(f"Only 'saga' solver supports elasticnet penalty, got solver={solver}.")
    if solver == "liblinear" and penalty is None:
        raise ValueError("C=np.inf as well as penalty=None is not supported for the liblinear solver")


def check_classes(model: Any, X: Any) -> None:
    """Two classes at least; for liblinear two at most."""
    k = len(model.classes_)
    if k < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains only one class:"
            f" {written(model.classes_[0])}"
        )
    if model.solver == "liblinear" and k > 2:
        raise ValueError(
            "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). Either use another"
            " solver or wrap the estimator in a OneVsRestClassifier to keep applying a one-versus-rest scheme."
        )
    if model.solver == "liblinear" and X.max() > _LARGEST:
        raise ValueError(
            "Using the 'liblinear' solver while X contains a maximum value > 1e30 results in a frozen fit. Please choose"
            " another solver or rescale the input X."
        )


def class_weights(model: Any, X: Any, y: Any, sample_weight: Any) -> RowWeights:
    """Row weights multiplied by those of their classes."""
    weight, classes = weights_in_unit(sample_weight, X), model.classes_
    codes = np.searchsorted(classes, y)
    check_class_weight(model.class_weight)
    check_present(classes, np.bincount(codes, weight.rows, len(classes)))
    given = {} if sample_weight is None else {"sample_weight": weight.rows}
    each = compute_class_weight(model.class_weight, classes=classes, y=y, **given)
    return RowWeights(np.asarray(weight.rows * each[codes]), weight.unit)


@dataclass(frozen=True, eq=False)
class LogisticDesign:
    """X, and how the intercept enters: free, or as a penalised column of ``scaling`` (liblinear)."""

    X: Any
    fit_intercept: bool
    scaling: float | None
    tol: float
    max_iter: int

    @classmethod
    def of(cls, model: Any, X: Any) -> LogisticDesign:
        """As ``model`` asks for it."""
        scaling = model.intercept_scaling if model.solver == "liblinear" else None
        return cls(X, model.fit_intercept, scaling, model.tol, model.max_iter)

    @property
    def _appended(self) -> bool:
        return self.fit_intercept and self.scaling is not None

    def fit(
        self,
        codes: Any,
        k: int,
        weight: RowWeights,
        ratio: float,
        Cs: list[float] | Float,
        start: Float | None = None,
    ) -> LinearPath:
        """The path over Cs (ascending), strongest penalty first; at a single C from ``start`` (1 or k, p) on."""
        X, y = self._columns(), codes.astype(np.float64)
        # scikit-learn's tol bounds a gradient; a gap is a square of one.
        loss = Logistic() if k == 2 else Multinomial()
        free = self.fit_intercept and not self._appended
        gap, l2 = 1e-3 * self.tol**2, 0.5 * (1.0 - ratio)
        spec = specification(loss, ratio, l2, free, gap, max_iter=self.max_iter)
        lambdas = weight.strengths(1.0 / np.asarray(Cs, dtype=np.float64))
        if start is None or self._appended:
            return fit_path(spec, X, y, weight.rows, lambdas)
        coef = np.asarray(start[0] if k == 2 else start.T, dtype=np.float64)
        problem = spec.linear_problem(as_double(X), y, weight.rows)
        path = continued_path(problem, weight.rows, float(lambdas[0]), coef)
        return fit_path(spec, X, y, weight.rows, lambdas) if path is None else path

    def _columns(self) -> Any:
        """X, with the penalised intercept's column where there is one."""
        if not self._appended:
            return self.X
        column = np.full((self.X.shape[0], 1), self.scaling)
        return (
            sp.hstack([self.X, column], format="csr") if sp.issparse(self.X) else np.hstack([self.X, column])
        )

    def coefficients(self, path: LinearPath, index: int, ratio: float) -> tuple[Float, Float]:
        """(1, p) and (1,) for two classes, (k, p) and (k,) for more; without an L1 part with mean zero over classes.

        A constant added to a feature's coefficients changes no probability, and the sum of squares is least at mean zero.
        """
        coef, intercept = path.coefs[index], np.atleast_1d(path.intercepts[index])
        coef = coef[None] if coef.ndim == 1 else coef.T
        if ratio == 0.0 and len(coef) > 1:
            coef = coef - coef.mean(axis=0)
        if not self._appended:
            return coef, intercept
        assert self.scaling is not None  # a column was appended
        return coef[:, :-1], self.scaling * coef[:, -1]
