"""Rows, weights, labels and groups that are none end in one sentence, from every estimator and kind of frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import taut
import taut.sklearn as drop_in
from tests.robustness.estimators import CODES, ROWS, X, Y, one_sentence

NUMERIC = [
    drop_in.Lasso(),
    drop_in.ElasticNet(),
    drop_in.Ridge(),
    drop_in.LassoCV(cv=3),
    drop_in.ElasticNetCV(cv=3),
    drop_in.RidgeCV(),
    drop_in.MLPRegressor(max_iter=2),
    taut.Regressor(lam=0.1),
]
CLASSES = [
    drop_in.LogisticRegression(),
    drop_in.LogisticRegressionCV(cv=3, l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False),
    drop_in.MLPClassifier(max_iter=2),
    taut.Classifier(lam=0.1),
]


@pytest.mark.parametrize("model", [*NUMERIC, *CLASSES], ids=lambda model: type(model).__name__)
@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (-np.ones(ROWS), "sample_weight contains -1"),
        (np.r_[-2.0, np.ones(ROWS - 1)], "sample_weight contains -2"),
        (-1.0, "sample_weight contains -1"),
        (np.array(["a"] * ROWS), "sample_weight must be numbers"),
        (np.array([None] * ROWS), "sample_weight contains"),
    ],
    ids=["all negative", "one negative", "a negative number", "texts", "None"],
)
def test_weights_that_are_none(model: Any, weight: Any, words: str) -> None:
    one_sentence(lambda: model.fit(X, Y if model in NUMERIC else CODES, sample_weight=weight), words)


@pytest.mark.parametrize("model", CLASSES, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "b", None] * 20, dtype=object),
        np.array(["a", "b", np.nan] * 20, dtype=object),
        pd.Series(["a", "b", pd.NA] * 20, dtype="string"),
        pd.Series([True, False, pd.NA] * 20, dtype="boolean"),
        pd.Series(["a", "b", None] * 20, dtype="category"),
        pl.Series(["a", "b", None] * 20),
    ],
    ids=["None", "NaN", "string", "boolean", "category", "polars"],
)
def test_labels_that_are_missing(model: Any, labels: Any) -> None:
    one_sentence(lambda: model.fit(X, labels), "y contains missing values", "in row 2")


@pytest.mark.parametrize("model", CLASSES, ids=lambda model: type(model).__name__)
def test_labels_of_two_kinds(model: Any) -> None:
    one_sentence(
        lambda: model.fit(X, np.array(["a", 1, "b"] * 20, dtype=object)), "y mixes texts such as 'a'", "1"
    )


@pytest.mark.parametrize("model", NUMERIC, ids=lambda model: type(model).__name__)
def test_targets_that_are_no_numbers(model: Any) -> None:
    one_sentence(lambda: model.fit(X, np.array(["a", "b", "c"] * 20)), "y must be numbers, and row 0 has 'a'")
    one_sentence(lambda: model.fit(X, np.array([1.0, 2.0, None] * 20)), "y contains missing values", "row 2")


@pytest.mark.parametrize(
    "groups", [np.arange(ROWS - 1), np.arange(ROWS + 5), np.zeros((ROWS, 2))], ids=["short", "long", "2-d"]
)
def test_groups_of_other_rows(groups: Any) -> None:
    for call in (
        lambda: taut.Regressor(cv=3).fit(X, Y, groups=groups),
        lambda: taut.Regressor(lam=0.1).fit(X, Y, groups=groups),
        lambda: taut.Classifier(cv=3).fit(X, CODES, groups=groups),
        lambda: taut.cross_validate(X, Y, cv=3, groups=groups),
    ):
        one_sentence(call, "groups has shape", "one group per row")
    one_sentence(
        lambda: taut.Regressor(cv=3).fit(X, Y, groups=np.array([None, "a"] * 30)), "no value in row 0"
    )


@pytest.mark.parametrize("make", [drop_in.LogisticRegression, taut.Classifier])
@pytest.mark.parametrize("balanced", [None, "balanced"])
def test_a_class_without_weight_is_named(make: Any, balanced: Any) -> None:
    model = (
        make(class_weight=balanced)
        if make is drop_in.LogisticRegression
        else make(class_weight=balanced, lam=0.1)
    )
    one_sentence(
        lambda: model.fit(X, CODES, sample_weight=(CODES != 1) * 1.0), "class 1 has no row of positive weight"
    )
    named = model.set_params(class_weight={0: -1.0, 1: 1.0, 2: 1.0})
    one_sentence(lambda: named.fit(X, CODES), "class_weight of class 0 is -1.0")


def test_a_class_whose_training_rows_weigh_nothing() -> None:
    frame = pl.DataFrame({"a": X[:, 0], "y": [f"k{c}" for c in CODES], "w": (CODES != 1) * 1.0})
    one_sentence(
        lambda: taut.fit(frame, "y", weights="w"), "every training row of class 'k1' has the weight zero"
    )


def nullable() -> dict[str, Any]:
    """One table with missing cells of every kind of column, in every kind of frame."""
    gaps = np.where(np.arange(ROWS) % 9 == 0, np.nan, X[:, 0])
    whole = pd.array(np.arange(ROWS) % 5, dtype="Int64")
    whole[3] = pd.NA
    truth = pd.array(X[:, 1] > 0, dtype="boolean")
    truth[5] = pd.NA
    words = pd.Series(np.array(["u", "v", "w"])[CODES]).where(np.arange(ROWS) % 7 != 0, None)
    frame = pd.DataFrame({"a": gaps, "b": whole, "c": truth, "d": words, "y": Y})
    frame.loc[7, "y"] = np.nan
    return {
        "numpy": frame.assign(
            b=frame["b"].astype("float64"), c=frame["c"].astype(object).where(frame["c"].notna(), None)
        ),
        "nullable": frame.convert_dtypes(),
        "pyarrow": frame.convert_dtypes(dtype_backend="pyarrow"),
        "polars": pl.from_pandas(frame),
        "arrow": pa.Table.from_pandas(frame),
    }


@pytest.mark.filterwarnings("ignore:.*filled with the training median")
@pytest.mark.parametrize("target", ["y", "c", "d"])
@pytest.mark.parametrize("kind", ["nullable", "pyarrow", "polars", "arrow"])
def test_missing_cells_are_missing_in_every_frame(kind: str, target: str) -> None:
    frames = nullable()
    fit, plain = (taut.fit(frames[name], target, lam=0.02) for name in (kind, "numpy"))
    assert sorted(fit.coefficients().iter_rows()) == sorted(plain.coefficients().iter_rows())
    assert fit.predict(frames[kind]).tolist() == plain.predict(frames["numpy"]).tolist()
    assert plain.predict(frames[kind]).tolist() == plain.predict(frames["numpy"]).tolist()


def test_a_missing_group_is_missing_in_every_frame() -> None:
    for frame in nullable().values():
        one_sentence(
            lambda frame=frame: taut.fit(frame, "y", groups="c"), "groups column 'c', row 6: missing"
        )


def with_a_gap(backend: str) -> pd.DataFrame:
    frame = pd.DataFrame(X).convert_dtypes(dtype_backend=backend)
    frame.iloc[3, 0] = pd.NA
    return frame


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (with_a_gap("pyarrow"), "missing values (first at row 3, column 0)"),
        (with_a_gap("numpy_nullable"), "missing values (first at row 3, column 0)"),
        (np.where(X > 2, np.nan, X), "NaN or infinity (first at row"),
        (pd.DataFrame(X).assign(d="u"), "at row 0, column 3 it is 'u'"),
        ([[1.0, 2.0], [3.0]], "rows of different lengths"),
        (X[:, 0], "two-dimensional"),
    ],
    ids=["pyarrow", "nullable", "NaN", "texts", "ragged", "a vector"],
)
def test_rows_of_a_path_that_are_no_numbers(rows: Any, words: str) -> None:
    linear = taut.fit_path(X, Y, lambdas=3)
    network = taut.fit_path(X, Y, lambdas=2, hidden=(2,), max_epochs=1, random_state=0)
    for call in (
        lambda: taut.fit_path(rows, Y, lambdas=3),
        lambda: taut.cross_validate(rows, Y, lambdas=3, cv=3),
        lambda: linear.predict_at(rows, 1),
        lambda: network.predict_at(rows, 1),
    ):
        one_sentence(call, words)
