"""Messages: how a value is written in one, where a warning points, what another package's user means by an argument."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np

LONGEST = 60
"""Characters of a value that are written in a message."""


def written(value: object) -> str:
    """``value`` as Python writes it, without the names of NumPy's types, cut to what a line of a message can hold."""
    text = " ".join(repr(_plain(value)).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(_plain(one) for one in value)  # type: ignore[call-arg, attr-defined]
    return value


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning at the line that called taut."""
    warnings.warn(message, category, stacklevel=outside())


def outside() -> int:
    """``stacklevel`` of the line that called taut, for whoever warns."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("taut."):
        frame, level = frame.f_back, level + 1
    return level


def closest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of ``known`` that is spelt most like ``name``, or None."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


ELSEWHERE: dict[str, str] = {
    "gaussian": "squared", "binomial": "logistic", "bernoulli": "logistic", "log_loss": "logistic", "logit": "logistic",
    "cross_entropy": "multinomial", "softmax": "multinomial", "squared_error": "squared", "mse": "squared", "ols": "squared",
    "lasso": "l1", "ridge": "l2", "elastic_net": "elasticnet", "elastic-net": "elasticnet", "enet": "elasticnet",
}  # fmt: skip
"""What glmnet, scikit-learn and others call a loss or a penalty, and what it is called here."""


def suggestion(name: str, known: Collection[str]) -> str:
    """A clause on a word that is none of the ``known``: what it is called here, or what is spelt alike; empty for neither."""
    same = ELSEWHERE.get(name.lower())
    if same in known:
        return f": it is called {same!r} here"
    near = closest(name, known)
    return f" (did you mean {near!r}?)" if near else ""


class Meant(NamedTuple):
    """What another package's argument is here, for a function that has the argument ``name``, in words."""

    name: str
    how: str


_STRENGTH = "a number in place of 'cv'"
_ALPHA = (
    "alpha is two things elsewhere: glmnet's mix is l1_ratio here, and scikit-learn's strength is {name}: for Lasso"
    " 2·alpha/sd(y), for Ridge alpha/n (2·alpha and alpha/n with standardize=False)"
)
_C = "C is the inverse of the strength {name}, which is 1/(n·C) for an L1 and 1/(2·n·C) for an L2 penalty"
_FACTORS = "the penalty has a factor for each column, such as {name}=taut.L1(factors=[1, 0, 2]); 0 leaves one unpenalised"
_EXCLUDE = "an infinite factor leaves a column out, such as {name}=taut.L1(factors=[1, math.inf, 1])"
_BOUNDS = "the penalty has bounds, such as {name}=taut.L1(lower=0, upper=5)"
_WEIGHTS = "a column of the table holds them: {name}='column'"
_FOLDS = (
    "{name} is the number of folds or a splitter, such as sklearn.model_selection.PredefinedSplit(foldid)"
)

_AT_FIT = Meant("warm_start", "it belongs to the rows: fit(X, y, {argument}=…)")
_FROM_Y = Meant("class_weight", "a classifier's loss follows from the number of classes: leave it out")

_GRID = Meant("lambdas", "{name}=[…] gives the strengths, {name}=100 their number")
_ONE = Meant("lam", f"{{name}} is the strength, {_STRENGTH}")

MEANT: dict[str, tuple[Meant, ...]] = {
    "lam": (Meant("lambdas", "{name}=[…] gives the strengths; ask the path for one of them: path.coef(lam)"),),
    "lambda": (_ONE, _GRID),
    "lambda_": (_ONE, _GRID),
    "alpha": (Meant("lam", _ALPHA), Meant("lambdas", _ALPHA)),
    "alphas": (_GRID,),
    "n_alphas": (_GRID,),
    "nlambda": (_GRID,),
    "n_lambdas": (_GRID,),
    "lambda_min_ratio": (_GRID,),
    "eps": (_GRID,),
    "C": (Meant("lam", _C), Meant("lambdas", _C)),
    "Cs": (Meant("lambdas", _C),),
    "exclude": (Meant("penalty", _EXCLUDE),),
    "penalty_factor": (Meant("penalty", _FACTORS),),
    "factors": (Meant("penalty", _FACTORS),),
    "lower_limits": (Meant("penalty", _BOUNDS),),
    "upper_limits": (Meant("penalty", _BOUNDS),),
    "positive": (Meant("penalty", "the penalty has bounds: {name}=taut.L1(lower=0)"),),
    "family": (
        Meant("loss", "{name}= names it: 'squared' (gaussian), 'logistic' (binomial), 'multinomial', 'poisson' or 'gamma'"),
        _FROM_Y,
    ),
    "loss": (_FROM_Y,),
    "intercept": (Meant("fit_intercept", "it is called {name}"),),
    "normalize": (Meant("standardize", "it is called {name}"),),
    "weights": (Meant("sample_weight", "they are called {name}, one number per row"), _AT_FIT),
    "groups": (_AT_FIT,),
    "offset": (_AT_FIT,),
    "sample_weight": (Meant("weights", _WEIGHTS), _AT_FIT),
    "foldid": (Meant("cv", _FOLDS),),
    "nfolds": (Meant("cv", _FOLDS),),
    "n_splits": (Meant("cv", _FOLDS),),
    "type_measure": (Meant("scoring", "{name}= names one of scikit-learn's scorers"),),
    "thresh": (Meant("tol", "{name} is the relative duality gap to reach"),),
    "max_iter": (Meant("tol", "there is no limit of iterations: {name} says how exact every strength is solved"),),
    "maxit": (Meant("tol", "there is no limit of iterations: {name} says how exact every strength is solved"),),
    "seed": (Meant("random_state", "it is called {name}"),),
    "random_state": (Meant("seed", "it is called {name}"),),
    "hidden_layer_sizes": (Meant("hidden", "it is called {name}"),),
    "weight_decay": (Meant("penalty", "{name}='l2' shrinks the weights, along a path of strengths"),),
    "criterion": (Meant("lam", "{name}='aic', 'bic', 'ebic' or 'gcv' chooses by it"),),
}  # fmt: skip
"""What glmnet, scikit-learn and others call an argument, and what is meant here; the first that a function has is said."""


def unknown_argument(place: str, name: str, value: object, known: Collection[str]) -> str:
    """The sentence on an argument that ``place`` has not: what is meant by it, else the one that is spelt alike."""
    said = f"taut.{place} has no argument {name!r}"
    if name == "family" and "loss" in known and isinstance(value, str) and value in ELSEWHERE:
        return f"{said}: loss={ELSEWHERE[value]!r} is the {value} family"
    found = meant(name, known)
    if found:
        return f"{said}: {found}"
    near = closest(name, known)
    hint = f"did you mean {near!r}?" if near else f"its arguments are {', '.join(known)}"
    return f"{said}: {hint}"


def _argument(name: str) -> str:
    """What a fit calls a number per row."""
    return "sample_weight" if name == "weights" else name


def meant(name: str, known: Collection[str]) -> str | None:
    """What a word of another package means among the ``known`` arguments, or None."""
    key = name.replace(".", "_").replace("-", "_")
    there = (one for one in MEANT.get(key, ()) if one.name in known)
    return next((one.how.format(name=one.name, argument=_argument(name)) for one in there), None)
