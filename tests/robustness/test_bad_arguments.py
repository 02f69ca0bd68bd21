"""Arguments that mean nothing end in one sentence that says what is meant, at every door."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.model_selection import KFold

import taut
import taut.sklearn as drop_in
from tests.robustness.estimators import CODES, ROWS, X, Y, one_sentence


def spent() -> Iterator[Any]:
    splits = KFold(3).split(X)
    list(splits)
    return splits


@pytest.mark.parametrize(
    "name", ["LassoCV", "ElasticNetCV", "RidgeCV", "LogisticRegressionCV", "Regressor", "Classifier"]
)
@pytest.mark.parametrize(
    ("cv", "words"),
    [
        (spent, "cv gave no split"),
        (lambda: [([0, 1], [ROWS + 5])], "not among the 60 rows"),
        (lambda: [1, 2], "cv[0] is 1"),
    ],
    ids=["spent", "other rows", "no pairs"],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_splits_that_are_none(name: str, cv: Callable[[], Any], words: str) -> None:
    make = getattr(taut, name, None) or getattr(drop_in, name)
    target = CODES if name in ("LogisticRegressionCV", "Classifier") else Y
    one_sentence(lambda: make(cv=cv()).fit(X, target), words)


def test_names_of_columns_that_are_none() -> None:
    values = np.c_[X, Y]
    twice = pd.DataFrame(values, columns=["a", "a", "b", "y"])
    for frame in (twice, pa.Table.from_arrays([*map(pa.array, values.T)], names=["a", "a", "b", "y"])):
        one_sentence(
            lambda frame=frame: taut.fit(frame, "y", lam=0.1), "2 columns are called 'a'; rename them"
        )
    one_sentence(
        lambda: taut.fit(pd.DataFrame(values), 3, lam=0.1), "the name of a column, a string, not 3", "'3'"
    )
    one_sentence(lambda: taut.fit(pd.DataFrame(values), "3", lam=0.1), "column names must be strings, got 0")
    one_sentence(
        lambda: taut.fit(twice.iloc[:, 1:], "y", weights=np.ones(ROWS)),
        "weights must be the name of a column",
    )


CALLS: dict[str, Callable[..., Any]] = {
    "fit_path": lambda **options: taut.fit_path(X, Y, **options),
    "cross_validate": lambda **options: taut.cross_validate(X, Y, **options),
    "bias_variance": lambda **options: taut.bias_variance(X, Y, **options),
    "stability_selection": lambda **options: taut.stability_selection(X, Y, **options),
    "Regressor": taut.Regressor,
    "Classifier": taut.Classifier,
    "fit": lambda **options: taut.fit({"a": X[:, 0], "y": Y}, "y", **options),
}


@pytest.mark.parametrize(
    ("name", "option", "value", "words"),
    [
        ("fit_path", "lam", 0.1, "lambdas=[…]"),
        ("fit_path", "alpha", 0.5, "glmnet's mix is l1_ratio here, and scikit-learn's strength is lambdas"),
        (
            "Regressor",
            "alpha",
            0.5,
            "scikit-learn's strength is lam: for Lasso 2·alpha/sd(y), for Ridge alpha/n",
        ),
        ("Classifier", "C", 1.0, "1/(n·C) for an L1"),
        ("fit", "lambda_", 0.1, "lam is the strength"),
        ("cross_validate", "nlambda", 50, "lambdas=100"),
        ("cross_validate", "exclude", [1], "penalty=taut.L1(factors=[1, math.inf, 1])"),
        ("bias_variance", "family", "binomial", "loss='logistic' is the binomial family"),
        ("stability_selection", "hiden", (4,), "did you mean 'hidden'?"),
        ("fit", "random_state", 0, "it is called seed"),
        ("fit", "sample_weight", None, "weights='column'"),
        ("Regressor", "seed", 0, "it is called random_state"),
        ("Regressor", "offset", None, "fit(X, y, offset=…)"),
        ("Classifier", "loss", "logistic", "follows from the number of classes"),
        ("cross_validate", "frobnicate", 1, "its arguments are X, y, cv"),
    ],
)
def test_an_unknown_argument_says_what_is_meant(name: str, option: str, value: Any, words: str) -> None:
    one_sentence(lambda: CALLS[name](**{option: value}), f"taut.{name} has no argument '{option}'", words)


def test_signatures_stay_what_they_are() -> None:
    assert inspect.signature(taut.fit_path).parameters["lambdas"].default == 100
    assert taut.Regressor().get_params()["lam"] == "cv"


@pytest.mark.parametrize("name", ["fit_path", "cross_validate", "bias_variance", "stability_selection"])
def test_penalties_have_names_everywhere(name: str) -> None:
    for given in ("lasso", "l3"):
        one_sentence(
            lambda given=given: CALLS[name](penalty=given), "penalty must be one of l1, l2, elasticnet"
        )
    one_sentence(lambda: CALLS[name](penalty="elasticnet", l1_ratio=2.0), "l1_ratio must lie between 0")
    one_sentence(lambda: CALLS[name](loss="binomial"), "it is called 'logistic' here")


def test_a_name_is_the_penalty_that_it_names() -> None:
    for named, given in (
        ("l1", taut.L1()),
        ("l2", taut.L2()),
        ("elasticnet", taut.ElasticNet(1.0, 0.3, 0.35)),
    ):
        one, other = (taut.fit_path(X, Y, penalty=shape, l1_ratio=0.3, lambdas=5) for shape in (named, given))
        np.testing.assert_array_equal(one.coefs, other.coefs)
    one, other = (
        taut.cross_validate(X, Y, penalty=shape, lambdas=5, cv=3, random_state=0)
        for shape in ("l2", taut.L2())
    )
    np.testing.assert_array_equal(one.scores.mean, other.scores.mean)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_epochs": "many"}, "max_epochs = 'many': it must be a whole number"),
        ({"batch_size": 2.5}, "batch_size = 2.5"),
        ({"activation": 3}, "there is no activation 3"),
        ({"hidden": "64"}, "hidden must be the sizes"),
    ],
)
def test_settings_that_are_none(options: dict[str, Any], words: str) -> None:
    for call in (
        lambda: taut.fit_path(X, Y, **options),
        lambda: taut.Regressor(lam=0.1, **options).fit(X, Y),
        lambda: taut.fit({"a": X[:, 0], "y": Y}, "y", **options),
    ):
        one_sentence(call, words)


def test_resamples_that_are_none() -> None:
    one_sentence(lambda: taut.bias_variance(X, Y, fits=2.5), "fits = 2.5")
    one_sentence(lambda: taut.bias_variance(X, Y, lambdas=[-1.0]), "lambdas contains -1")
    one_sentence(
        lambda: taut.fit({"a": X[:, 0], "y": Y}, "y", seed="s"), "seed must be a whole number, got 's'"
    )
