"""Every bad input of the corpus ends in its exit code and its words: one line, never a traceback."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from sklearn.model_selection import KFold

import taut
import taut.sklearn as drop_in
from bad_inputs import CASES, OK, UNMET, Case, numbers, parquet
from tables import features, fitted
from taut.cli import main
from taut.solvers.problem.scaling import FREE_NOT_EXIST

ESCAPES = [chr(c) for c in [*range(9), *range(11, 32), *range(127, 160), 0x202E]]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def check(result: Result, code: int, words: tuple[str, ...]) -> None:
    said = " ".join((result.stdout + result.stderr).split())
    assert result.exit_code == code, said
    assert [w for w in words if w not in said] == [], said
    assert "Traceback" not in said
    assert [c for c in ESCAPES if c in result.stdout + result.stderr] == []
    if code != OK:
        # What is written although it misses its tolerance has a note before the last word.
        *notes, last = result.stderr.splitlines()
        assert len(notes) <= int(code == UNMET)
        assert last.startswith("taut: ")
        assert len(result.stderr) < 600


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_input_ends_in_its_code_and_words(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(case.file).write_bytes(case.data)
    start = time.process_time()
    result = call("fit", case.file, "--target", case.target, *case.options)
    check(result, case.code, case.words)
    assert (
        time.process_time() - start < 120
    )  # no case is a trap for time; seconds of the processor, not of the clock
    if case.code not in (OK, UNMET):  # what misses its tolerance is written, and said
        assert [p.name for p in tmp_path.iterdir()] == [case.file]


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return fitted("price").save(tmp_path / "m.safetensors")


PREDICTIONS: dict[str, tuple[pl.DataFrame, int, tuple[str, ...]]] = {
    "a missing column": (features("price").drop("x2"), 3, ("column 'x2' is missing",)),
    "a misspelt column": (features("price").rename({"town": "Town"}), 3, ("'town' is missing; did you mean 'Town'",)),
    "columns in another order": (features("price").select(*reversed(features("price").columns)), 0, ("price",)),
    "columns that are new": (features("price").with_columns(z=1), 0, ("ignored, not in training: z",)),
    "without the target": (features("price").drop("price"), 0, ("price",)),
    "a level that is new": (features("price").with_columns(town=pl.lit("Zz")), 0, ("'Zz' not seen in training",)),
    "text for a number": (features("price").with_columns(x1=pl.lit("much")), 0, ("x1: no cell is of the kind seen",)),
    "a number for a level": (features("price").with_columns(town=7), 0, ("town: '7' not seen in training",)),
    "only gaps": (features("price").with_columns(x1=None), 0, ("x1: 90 missing, filled with the training median",)),
    "an infinity": (features("price").with_columns(x1=float("inf")), 0, ("x1: 90 infinite, read as missing",)),
    "one row": (features("price").head(1), 0, ("price",)),
    "no rows": (features("price").head(0), 3, ("no rows",)),
}  # fmt: skip


@pytest.mark.parametrize("name", PREDICTIONS)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_that_does_not_fit_the_model(name: str, kind: str, model: Path) -> None:
    frame, code, words = PREDICTIONS[name]
    Path("new").write_bytes(frame.write_csv().encode() if kind == "csv" else parquet(frame))
    check(call("predict", str(model), "new"), code, words)


@pytest.mark.usefixtures("model")
class TestFiles:
    def test_a_folder_is_no_table(self) -> None:
        Path("folder").mkdir()
        check(call("fit", "folder", "--target", "y"), 2, ("'folder' is a directory",))

    def test_a_file_that_may_not_be_read(self) -> None:
        Path("d.csv").write_bytes(numbers().write_csv().encode())
        Path("d.csv").chmod(0)
        if os.access("d.csv", os.R_OK):  # root reads everything
            Path("d.csv").unlink()
            os.symlink("d.csv", "d.csv")
        check(call("fit", "d.csv", "--target", "y"), 3, ("d.csv: ",))

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
    def test_a_full_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing half-written is left, and the line says what the system said."""
        Path("d.csv").write_bytes(numbers().write_csv().encode())
        real = os.fsync

        def full(handle: int) -> None:
            real(handle)
            with open("/dev/full", "wb", buffering=0) as device:
                device.write(b"x")

        monkeypatch.setattr(os, "fsync", full)
        check(call("fit", "d.csv", "--target", "y", "--lam", "1"), 3, ("no space left",))
        assert not Path("d.taut").exists()


# ---- arguments of Python's doors ---------------------------------------------------------------------------

ROWS = 60
X = np.random.default_rng(0).normal(size=(ROWS, 3))
Y = X[:, 0] + np.random.default_rng(1).normal(size=ROWS)
CODES = np.arange(ROWS) % 3
INNER = (
    "Error(",
    "np.",
    "numpy",
    "narwhals",
    "out of bounds",
    "unhashable",
    "not iterable",
    "unpack",
    "NAType",
    "\n",
)
"""What a message has when its words come from within."""

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


def one_sentence(call: Callable[[], Any], *words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    said = str(caught.value)
    assert [w for w in words if w not in said] == [], said
    assert [w for w in INNER if w in said] == [], said


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


def test_what_no_penalty_holds_and_has_no_optimum_is_said() -> None:
    """A larger λ does not help, and the note does not say so."""
    gone = taut.fit_path(X, CODES, loss="multinomial", lambdas=[0.1], sample_weight=(CODES != 1) * 1.0)
    free = taut.L1(factors=[0.0, 1.0, 1.0])
    apart = taut.fit_path(X, (X[:, 0] > 0) * 1.0, loss="logistic", penalty=free, lambdas=[0.1])
    for path in (gone, apart):
        assert path.certificates[0].note == FREE_NOT_EXIST
        assert not path.certificates[0].met


@pytest.mark.parametrize("hidden", [(), (3,)])
@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        ("logistic", 1.0, "y has one class only (every value is 1)"),
        ("logistic", 0.0, "y has one class only (every value is 0)"),
        ("multinomial", 1.0, "every y is 1"),
        ("multinomial", [0.0, 1.0, 0.0], "y is constant (every value is [0, 1, 0])"),
        ("poisson", 0.0, "y is constant (every value is 0)"),
    ],
)
def test_an_offset_makes_no_infinite_intercept_finite(
    loss: str, y: Any, words: str, hidden: tuple[int, ...]
) -> None:
    """The sentence is that of a fit without one."""
    options: dict[str, Any] = {"loss": loss, "hidden": hidden, "lambdas": [0.1], "max_epochs": 1}
    rows = np.tile(y, (ROWS, 1)) if isinstance(y, list) else np.full(ROWS, y)
    for offset in (None, X[:, 1]):
        one_sentence(lambda own=offset: taut.fit_path(X, rows, offset=own, **options), words)


@pytest.mark.parametrize(
    ("loss", "y"), [("squared", 2.0), ("huber", 0.0), ("poisson", 3.0), ("logistic", 0.3)]
)
def test_an_offset_excuses_a_constant_that_has_a_best_intercept(loss: str, y: float) -> None:
    path = taut.fit_path(X, np.full(ROWS, y), loss=loss, offset=X[:, 1], lambdas=[1e-3])
    assert path.certificates[0].met
    assert path.coefs[0, 1] < -0.5


@pytest.mark.parametrize("loss", ["squared", "huber", "poisson"])
def test_an_offset_that_is_the_same_in_every_row_excuses_nothing(loss: str) -> None:
    one_sentence(
        lambda: taut.fit_path(X, np.full(ROWS, 3.0), loss=loss, offset=np.ones(ROWS)), "y is constant"
    )


@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize(("y", "offset"), [(0.0, 1e-300), (1.0, 1e200), (1e200, 1e200), (1e-200, 0.0)])
def test_what_is_left_beside_an_offset_has_squares(loss: str, y: float, offset: float) -> None:
    one_sentence(
        lambda: taut.fit_path(X, y * np.sign(Y), loss=loss, offset=np.full(ROWS, offset)),
        "the largest number in y", "can not be squared: give y in another unit",
    )  # fmt: skip


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


def test_a_class_whose_training_rows_weigh_nothing() -> None:
    frame = pl.DataFrame({"a": X[:, 0], "y": [f"k{c}" for c in CODES], "w": (CODES != 1) * 1.0})
    one_sentence(
        lambda: taut.fit(frame, "y", weights="w"), "every training row of class 'k1' has the weight zero"
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
