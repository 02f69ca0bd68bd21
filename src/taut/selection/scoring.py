"""Scores beside the loss: any scikit-learn scorer, asked about every strength on the rows that a fold holds out."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, final

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import get_scorer, get_scorer_names, make_scorer

from taut.path import Path, PathSpec
from taut.selection.data import Data
from taut.selection.folds import Folds
from taut.selection.scores import Scores
from taut.types import Float


@final
class _Regression(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """One strength of a path, on rows of that offset, as a scorer expects a regressor."""

    def __init__(self, path: Path, index: int, offset: Float | None) -> None:
        self.path, self.index, self.offset = path, index, offset

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Float:
        """The fitted mean."""
        return self.path.predict_at(X, self.index, self.offset)


@final
class _Classification(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One strength of a path, on rows of that offset, as a scorer expects a classifier."""

    def __init__(self, path: Path, index: int, offset: Float | None, classes: Any) -> None:
        self.path, self.index, self.offset, self.classes = path, index, offset, classes
        self.classes_ = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, X: Any) -> Float:
        """η."""
        return self.path.decision_at(X, self.index, self.offset)

    def predict_proba(self, X: Any) -> Float:
        """Probabilities (n, k)."""
        mean = self.path.predict_at(X, self.index, self.offset)
        return np.column_stack([1.0 - mean, mean]) if mean.ndim == 1 else mean

    def predict(self, X: Any) -> Any:
        """The most probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def as_scorers(scoring: Any) -> dict[str, Any]:
    """Scorers by name from what scikit-learn calls ``scoring``: a name, a callable, several names, or a dict.

    Raises ValueError for a name that is no scorer's.
    """
    if scoring is None:
        return {}
    if isinstance(scoring, str):
        return {scoring: _scorer(scoring)}
    if callable(scoring):
        return {"score": _scorer(scoring)}
    if isinstance(scoring, Mapping):
        return {str(name): _scorer(scorer) for name, scorer in scoring.items()}
    if isinstance(scoring, Sequence):
        return {name: _scorer(name) for name in scoring}
    raise ValueError(f"scoring must be a scorer's name, a scorer, or several of them, got {scoring!r}")


def told_of_classes(scorer: Any, classes: Any) -> Any:
    """The scorer, told of every class where its function takes ``labels``: a fold may hold out no row of one.

    As in scikit-learn's ``LogisticRegressionCV``; what the scorer was made with stays.
    """
    function = getattr(scorer, "_score_func", None)
    takes = inspect.signature(function).parameters if function is not None else ()
    if "labels" not in takes:
        return scorer
    own = {"labels": classes}
    if "pos_label" in takes and len(classes) == 2:
        own["pos_label"] = classes[-1]
    return make_scorer(
        function, greater_is_better=scorer._sign == 1, response_method=scorer._response_method,
        **(own | scorer._kwargs),
    )  # fmt: skip


def _scorer(scorer: Any) -> Any:
    if isinstance(scorer, str) and scorer not in get_scorer_names():
        close = get_close_matches(scorer, get_scorer_names(), 3, 0.5)
        hint = (
            f"did you mean {' or '.join(close)}?"
            if close
            else "sklearn.metrics.get_scorer_names() lists them"
        )
        raise ValueError(f"there is no scorer {scorer!r}; {hint}")
    return get_scorer(scorer)


def check_scorers(scoring: Any, spec: PathSpec, data: Data, classes: Any = None) -> None:
    """ValueError where a scorer can not judge such a target, found by a constant model before anything is fitted."""
    labels = _labels(spec, data, classes) if scoring is not None else None
    target = data.y if labels is None else labels[data.y.astype(np.intp)]
    constant = DummyRegressor() if labels is None else DummyClassifier(strategy="prior")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a constant does badly
        for name, scorer in _scorers(scoring, labels).items():
            _asked(name, scorer, constant.fit(data.X, target), data.X, target, {})


def measure_folds(
    spec: PathSpec, paths: Sequence[Path], data: Data, folds: Folds, scoring: Any, classes: Any = None
) -> dict[str, Scores]:
    """``Scores`` of every scorer, each as a loss: its negative, so that smaller is better and every rule applies.

    ``paths`` are the folds' own; ``classes`` (k,) the labels behind the codes in y, where y has classes. A fold on
    which a scorer is not defined (one class alone held out, say) has NaN there and raises what the scorer raises.
    """
    if scoring is None:
        return {}
    weights = folds.held_out_weights(data.weight)
    lambdas = paths[0].lambdas[: min(len(path) for path in paths)]
    labels = _labels(spec, data, classes)
    scorers = _scorers(scoring, labels)
    values = np.full((len(scorers), len(folds), lambdas.size), np.nan)
    for fold, (path, test) in enumerate(zip(paths, folds.test, strict=True)):
        if weights[fold] == 0.0:
            continue
        X, _, weight, offset = data.rows(test)
        # Equal weights change no score, and not every scorer takes weights.
        given = {} if (weight == weight[0]).all() else {"sample_weight": weight}
        for index in range(lambdas.size):
            model = _model(path, index, offset, labels)
            target = data.y[test] if labels is None else labels[data.y[test].astype(np.intp)]
            for row, (name, scorer) in enumerate(scorers.items()):
                values[row, fold, index] = -_asked(name, scorer, model, X, target, given)
    repeats = folds.repeats(data.weight)
    return {
        name: Scores(lambdas, value, weights, repeats) for name, value in zip(scorers, values, strict=True)
    }


def _asked(name: str, scorer: Any, model: Any, X: Any, y: Any, given: dict[str, Float]) -> float:
    try:
        return float(scorer(model, X, y, **given))
    except (TypeError, ValueError, AttributeError) as error:
        kind = "classes" if isinstance(model, _Classification | DummyClassifier) else "numbers"
        said = str(error).replace(type(model).__name__, f"a model of {kind}").rstrip(".")
        raise ValueError(f"the scorer {name!r} can not judge a target of {kind}: {said}") from error


def _scorers(scoring: Any, labels: Any) -> dict[str, Any]:
    """The scorers by name, told of the classes where there are any."""
    found = as_scorers(scoring)
    return found if labels is None else {name: told_of_classes(one, labels) for name, one in found.items()}


def _labels(spec: PathSpec, data: Data, classes: Any) -> Any:
    """The classes' labels; None for numeric targets."""
    if not spec.loss.traits.classes:
        return None
    if data.y.ndim != 1 or not (data.y == np.round(data.y)).all():
        raise ValueError("a scorer needs one class per row: y has probabilities")
    return np.arange(int(data.y.max()) + 1) if classes is None else np.asarray(classes)


def _model(path: Path, index: int, offset: Float | None, labels: Any) -> Any:
    if labels is None:
        return _Regression(path, index, offset)
    return _Classification(path, index, offset, labels)
