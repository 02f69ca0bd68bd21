"""LogisticRegressionCV: the path over Cs in every fold and for every l1_ratio, any scorer, scikit-learn's attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn import linear_model
from sklearn.metrics import get_scorer
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from taut.messages import warn
from taut.path import check_labels
from taut.selection import as_splitter, split_rows, told_of_classes
from taut.sklearn.engine import RowWeights, passes, routing, row_weights, warn_of_fits
from taut.sklearn.logistic import (
    LARGE_SPARSE,
    LogisticDesign,
    LogisticRegression,
    check_classes,
    check_solver,
    class_weights,
    unconverged,
)
from taut.sklearn.namespace import fits_any_namespace
from taut.solvers import Certificate
from taut.types import Float

_RATIOS_WARNED = (
    "The default value for l1_ratios will change from None to (0.0,) in version 1.10. From version 1.10 onwards, only"
    " array-like with values in [0, 1] will be allowed, None will be forbidden. To avoid this warning, explicitly set a"
    " value, e.g. l1_ratios=(0,)."
)
_SCORING_WARNED = (
    "The default value of the parameter 'scoring' will change from None, i.e. accuracy, to 'neg_log_loss' in version"
    " 1.11. To silence this warning, explicitly set the scoring parameter: scoring='neg_log_loss' for the new,"
    " scoring='accuracy' or scoring=None for the old default."
)
_PENALTY_WARNED = (
    "'penalty' was deprecated in version 1.8 and will be removed in 1.10. To avoid this warning, leave 'penalty' set to"
    " its default value and use 'l1_ratios' and 'Cs' instead. Use l1_ratios=(0,) instead of penalty='l2', l1_ratios=(1,)"
    " instead of penalty='l1', l1_ratios set to floats between 0 and 1 instead of penalty='elasticnet', and Cs=(np.inf,)"
    " instead of penalty=None."
)


class Fits(NamedTuple):
    """Along Cs: coefficients with the intercept last (C, k or 1, p + 1), passes (C,), certificates."""

    coefs: Float
    passes: NDArray[np.intp]
    certificates: tuple[Certificate, ...] = ()


class Fold(NamedTuple):
    """One (fold, l1_ratio), with its scores (C,)."""

    scores: Float
    fits: Fits


@dataclass(frozen=True)
class Asked:
    """What the arguments, the deprecated ones among them, ask for; ``plain`` where no l1_ratios were given."""

    ratios: tuple[float, ...]
    plain: bool
    penalty: str
    scoring: Any
    legacy: bool


@final
class LogisticRegressionCV(linear_model.LogisticRegressionCV):  # type: ignore[misc]
    """scikit-learn's ``LogisticRegressionCV``, fitted by taut, with its attributes of before and after 1.10.

    ``max_iter``, ``verbose`` and what has no effect are as in ``LogisticRegression``, at every C of every fold.
    """

    @fits_any_namespace
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose C and l1_ratio on the folds and fit to X (n, p), dense or sparse, and the classes y (n,)."""
        self._validate_params()
        asked = _asked(self)
        check_labels(y)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float64, accept_large_sparse=self.solver in LARGE_SPARSE
        )
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        check_classes(self, X)
        self._check_class_weight()
        given = None if sample_weight is None else row_weights(sample_weight, X)
        splits, score_params = self._routed(X, y, given, params)
        weight = class_weights(self, X, y, sample_weight)
        self.Cs_ = (
            np.logspace(-4, 4, self.Cs) if np.ndim(self.Cs) == 0 else np.asarray(self.Cs, dtype=np.float64)
        )
        judge = _Judge(self, asked.scoring, score_params)
        folds = [
            [self._fold(X, y, weight, ratio, split, judge) for ratio in asked.ratios] for split in splits
        ]
        certificates = [one for fold in folds for ratio in fold for one in ratio.fits.certificates]
        warn_of_fits(self, certificates, unconverged(self))
        self._keep(asked, folds, X, y, weight)
        return self

    def _check_class_weight(self) -> None:
        if isinstance(self.class_weight, dict) and not set(self.class_weight) <= set(self.classes_.tolist()):
            raise ValueError(
                "The given class_weight dict must have the class labels as keys; "
                f"classes={self.classes_} but key={self.class_weight.keys()}"
            )

    def _routed(
        self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The splits, and what the scorer is called with."""
        cv = as_splitter(self.cv, y, classifier=True)
        if not routing(params, self):
            given = {} if sample_weight is None else {"sample_weight": sample_weight}
            return split_rows(cv.split(X, y), len(y)), given
        routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
        return split_rows(cv.split(X, y, **routed.splitter.split), len(y)), dict(routed.scorer.score)

    def _fit_at(self, X: Any, y: Any, weight: RowWeights, ratio: float, Cs: Float) -> Fits:
        # Rows of no weight are no rows: a class that has none but those is one that the fold lacks.
        used = weight.rows > 0
        X, y, weight = (X, y, weight) if used.all() else (X[used], y[used], weight.of(used))
        design = LogisticDesign.of(self, X)
        present, codes = np.unique(y, return_inverse=True)
        coefs = self._blank(present, X.shape[1], len(Cs))
        if len(present) == 1:
            return Fits(coefs, np.zeros(len(Cs), dtype=np.intp))
        grid, places = np.unique(Cs, return_inverse=True)
        path = design.fit(codes, len(present), weight, ratio, grid)
        # The grid of C ascends, that of λ descends: the same order.
        for index, place in enumerate(places):
            coef, intercept = design.coefficients(path, place, ratio)
            joined = np.column_stack([coef, intercept]) if self.fit_intercept else coef
            if len(self.classes_) == 2:
                coefs[index] = joined
            else:
                rows = np.searchsorted(self.classes_, present)
                coefs[index, rows] = joined if len(joined) > 1 else np.vstack([-0.5 * joined, 0.5 * joined])
        return Fits(coefs, np.array([passes(path, place) for place in places]), path.certificates)

    def _blank(self, present: Any, p: int, count: int) -> Float:
        """Coefficients (C, k or 1, p + 1) of zero; classes that no training row has are made impossible."""
        k = len(self.classes_)
        coefs = np.zeros((count, 1 if k == 2 else k, p + int(self.fit_intercept)))
        if self.fit_intercept and k > 2:
            coefs[:, ~np.isin(self.classes_, present), -1] = -_ABSENT
        elif self.fit_intercept and len(present) == 1:
            coefs[:, 0, -1] = _ABSENT if present[0] == self.classes_[1] else -_ABSENT
        return coefs

    def _fold(self, X: Any, y: Any, weight: RowWeights, ratio: float, split: Any, judge: _Judge) -> Fold:
        train, test = split
        fits = self._fit_at(X[train], y[train], weight.of(train), ratio, self.Cs_)
        return Fold(judge.scores(fits.coefs, X[test], y[test], test), fits)

    def _keep(self, asked: Asked, folds: list[list[Fold]], X: Any, y: Any, weight: RowWeights) -> None:
        # (folds, ratios, Cs, ...) becomes (folds, Cs, ratios, ...), as scikit-learn has it.
        scores = np.swapaxes([[one.scores for one in fold] for fold in folds], 1, 2)
        coefs = np.swapaxes([[one.fits.coefs for one in fold] for fold in folds], 1, 2)
        made = np.swapaxes([[one.fits.passes for one in fold] for fold in folds], 1, 2)
        ratios = np.array(asked.ratios)
        if self.refit:
            best = np.unravel_index(np.argmax(scores.sum(axis=0)), scores.shape[1:])
            C, ratio = self.Cs_[best[0]], ratios[best[1]]
            w = self._fit_at(X, y, weight, float(ratio), np.array([C])).coefs[0]
        else:
            each = [np.unravel_index(np.argmax(fold), fold.shape) for fold in scores]
            w = np.mean([coefs[fold][place] for fold, place in enumerate(each)], axis=0)
            C, ratio = np.mean([self.Cs_[i] for i, _ in each]), np.mean([ratios[j] for _, j in each])
            ratio = ratio if asked.penalty == "elasticnet" else 0.0
        p = X.shape[1]
        self.coef_ = w[:, :p]
        self.intercept_ = w[:, -1] if self.fit_intercept else np.zeros(len(w))
        self._keep_table(
            asked, scores, coefs, made, float(C), None if asked.plain and self.refit else float(ratio)
        )

    def _keep_table(
        self, asked: Asked, scores: Float, coefs: Float, made: NDArray[np.intp], C: float, ratio: float | None
    ) -> None:
        """C_, l1_ratio_, scores_, coefs_paths_ and n_iter_, in the layout that was asked for."""
        k = coefs.shape[3]
        self.l1_ratios_ = np.array([None] if asked.plain else asked.ratios)
        if not asked.legacy:
            self.C_, self.l1_ratio_ = C, 0.0 if ratio is None else ratio
            if asked.plain:
                self.l1_ratio_ = 1.0 if self.penalty == "l1" else 0.0
            self.scores_, self.n_iter_ = np.swapaxes(scores, 1, 2), np.swapaxes(made, 1, 2)
            self.coefs_paths_ = np.swapaxes(coefs, 1, 2)
            return
        plain = (slice(None), slice(None), 0) if asked.plain else ()
        names = self.classes_[1:] if k == 1 else self.classes_
        legacy = {
            "C_": np.repeat(C, k),
            "l1_ratio_": np.array([ratio] * k),
            "scores_": dict.fromkeys(names, scores[plain]),
            "coefs_paths_": {name: coefs[:, :, :, row][plain] for row, name in enumerate(names)},
            "n_iter_": made[plain][None],
        }
        for name, value in legacy.items():
            setattr(self, name, value)


_ABSENT = 30.0
"""Minus the intercept of a class that a fold's training rows lack: a probability of nothing."""


@dataclass(frozen=True, eq=False)
class _Judge:
    """The scorer on the held-out rows of a fold, told of every class where it wants labels."""

    model: Any
    scoring: Any
    params: dict[str, Any]

    def scores(self, coefs: Float, X: Any, y: Any, rows: Any) -> Float:
        """One score per C."""
        shown = LogisticRegression(solver=self.model.solver)
        shown.classes_, shown.n_features_in_ = self.model.classes_, X.shape[1]
        known = get_scorer("accuracy" if self.scoring is None else self.scoring)
        scorer = told_of_classes(known, self.model.classes_)
        params = {name: self._of(value, rows) for name, value in self.params.items()}
        values = []
        for coef, C in zip(coefs, self.model.Cs_, strict=True):
            shown.C = C
            shown.coef_ = coef[:, : X.shape[1]]
            shown.intercept_ = coef[:, -1] if self.model.fit_intercept else np.zeros(len(coef))
            values.append(scorer(shown, X, y, **params))
        return np.array(values)

    @staticmethod
    def _of(value: Any, rows: Any) -> Any:
        return value if np.ndim(value) == 0 else np.asarray(value)[rows]


def _asked(model: Any) -> Asked:
    """The present and the deprecated arguments, with scikit-learn's words where they are deprecated or clash."""
    ratios = model.l1_ratios
    if isinstance(ratios, str):
        warn(_RATIOS_WARNED, FutureWarning)
        ratios = None
    penalty = _penalty(model, ratios)
    scoring = model.scoring
    if isinstance(scoring, str) and scoring == "warn":
        warn(_SCORING_WARNED, FutureWarning)
        scoring = None
    legacy = model.use_legacy_attributes
    if legacy == "warn":
        warn(
            f"The fitted attributes of {type(model).__name__} will be simplified in scikit-learn 1.10 to remove"
            " redundancy. Set`use_legacy_attributes=False` to enable the new behavior now, or set it to `True` to silence"
            " this warning during the transition period while keeping the deprecated behavior for the time being. The"
            " default value of use_legacy_attributes will change from True to False in scikit-learn 1.10. See the"
            f" docstring of {type(model).__name__} for more details.",
            FutureWarning,
        )
        legacy = True
    check_solver(model.solver, penalty, model.dual)
    plain = ratios is None
    if penalty == "elasticnet":
        _check_ratios(ratios)
    elif not plain and model.penalty != "deprecated":
        warn(f"l1_ratios parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})")
        ratios = [{"l2": 0.0, "l1": 1.0}[penalty]] * len(ratios)
    given = [1.0 if penalty == "l1" else 0.0] if ratios is None else list(ratios)
    return Asked(tuple(float(ratio) for ratio in given), plain, penalty, scoring, bool(legacy))


def _penalty(model: Any, ratios: Any) -> str:
    if model.penalty != "deprecated":
        warn(_PENALTY_WARNED, FutureWarning)
        return str(model.penalty)
    if model.l1_ratios is None:
        warn(
            "'l1_ratios=None' was deprecated in version 1.8 and will trigger an error in 1.10. Use an array-like with"
            " valuesin [0, 1] instead.",
            FutureWarning,
        )
    if ratios is None or all(ratio == 0 for ratio in ratios):
        return "l2"
    return "l1" if all(ratio == 1 for ratio in ratios) else "elasticnet"


def _check_ratios(ratios: Any) -> None:
    known = ratios is not None and len(ratios) > 0
    if not known or any(not np.isreal(ratio) or not 0 <= ratio <= 1 for ratio in ratios):
        raise ValueError(
            f"l1_ratios must be an array-like of numbers between 0 and 1; got (l1_ratios={ratios!r})"
        )
