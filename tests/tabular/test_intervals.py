"""Intervals and sets of classes: the formula by brute force, coverage where the truth is known, files, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from sklearn.model_selection import KFold, TimeSeriesSplit

import taut
from taut import Classifier, Regressor
from taut.cli.commands import main
from taut.design import DataError
from taut.estimators import HeldOutErrors
from taut.estimators.intervals import _kept, mass_before
from taut.model_file import ModelFileError
from tests.tables import features, fitted, table

RNG = np.random.default_rng(3)
X = RNG.normal(size=(61, 3))
Y = X[:, 0] + RNG.normal(size=61)
FOLDS = [(train, test) for train, test in KFold(5, shuffle=True, random_state=1).split(X)]
NETWORK = {"hidden": (3,), "fallback": "never", "max_epochs": 2, "cv": 3, "lambdas": 4}
CASES: dict[str, dict[str, Any]] = {
    "numbers": {"target": "price"},
    "logarithm": {"target": "count", "log_target": True},
    "an offset": {"target": "price", "offset": "x2"},
    "two classes": {"target": "sold"},
    "three classes": {"target": "kind"},
    "network": {"target": "price", **NETWORK},
    "network of classes": {"target": "kind", **NETWORK},
}


def fit_of(case: str) -> taut.Fit:
    options = CASES[case]
    if options.get("log_target"):
        data = features("count").with_columns(pl.col("count") + 1)
        return taut.fit(data, **options)
    return fitted(**options)


# ---- the formula ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_the_ends_are_those_of_the_definition(coverage: float, weighted: bool) -> None:
    weight = RNG.integers(1, 4, 61).astype(float) if weighted else np.ones(61)
    model = Regressor(cv=FOLDS, lambdas=5).fit(X, Y, sample_weight=weight)
    new = RNG.normal(size=(7, 3))
    found = model.predict_interval(new, coverage)
    ends: list[tuple[Any, float]] = []
    for train, test in FOLDS:
        own = Regressor(lam=model.lam_).fit(X[train], Y[train], sample_weight=weight[train])
        errors = np.abs(Y[test] - own.predict(X[test]))
        ends += [((own.predict(new), e), w) for e, w in zip(errors, weight[test], strict=True)]
    level = coverage * (1 + (weight**2).sum() / weight.sum() ** 2) * weight.sum()
    for row in range(7):
        for sign, end in ((-1.0, found[row, 0]), (1.0, found[row, 1])):
            pairs = sorted((sign * mean[row] + e, w) for (mean, e), w in ends)
            below = np.cumsum([w for _, w in pairs])
            wanted = pairs[int(np.searchsorted(below, level - 1e-9))][0]
            assert end == pytest.approx(sign * wanted, abs=1e-5)


def test_the_sets_are_those_of_the_definition() -> None:
    y = np.digitize(Y, [-0.7, 0.6])
    model = Classifier(cv=FOLDS, lambdas=5, penalty="l2").fit(X, y)
    new = RNG.normal(size=(9, 3))
    found = model.predict_set(new, 0.8)
    exceeded = np.zeros((9, 3))
    for train, test in FOLDS:
        own = Classifier(lam=model.lam_, penalty="l2").fit(X[train], y[train])
        held = mass_before(own.predict_proba(X[test]))[np.arange(test.size), y[test]]
        exceeded += (held[:, None, None] < mass_before(own.predict_proba(new)) - 1e-9).sum(axis=0)
    expected = exceeded < 0.8 * 62
    expected[np.arange(9), model.predict(new)] = True
    np.testing.assert_array_equal(found, expected)


def test_the_mass_before_a_class_by_hand() -> None:
    shares = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(mass_before(shares), [[0.8, 0.0, 0.5], [0.0, 1.0, 1.0]])


def test_many_errors_are_kept_as_quantiles_that_are_rounded_up() -> None:
    errors, weight = RNG.exponential(size=5_000), RNG.uniform(0.5, 1.5, 5_000)
    kept, weights = _kept(errors, weight)
    assert kept.size == 500
    assert weights.sum() == pytest.approx(weight.sum())
    order = np.argsort(errors)
    below = np.cumsum(weight[order]) / weight.sum()
    for level in (0.5, 0.9, 0.998):
        exact = errors[order][np.searchsorted(below, level)]
        own = kept[np.searchsorted(np.cumsum(weights) / weights.sum(), level - 1e-9)]
        assert exact <= own <= errors[order][min(np.searchsorted(below, level + 0.003), 4_999)]


def test_rows_that_are_repeated_are_rows_that_weigh_as_much() -> None:
    counts = RNG.integers(1, 3, 61)
    where = np.repeat(np.arange(61), counts)
    again = [(np.flatnonzero(np.isin(where, a)), np.flatnonzero(np.isin(where, b))) for a, b in FOLDS]
    weighted = Regressor(cv=FOLDS, lam="cv", lambdas=5, frequency_weights=True).fit(
        X, Y, sample_weight=counts
    )
    rows = Regressor(cv=again, lam="cv", lambdas=5).fit(X[where], Y[where])
    np.testing.assert_allclose(weighted.predict_interval(X), rows.predict_interval(X), atol=1e-6)


# ---- coverage ------------------------------------------------------------------------------------------------


def test_coverage_where_the_truth_is_known() -> None:
    """Errors of a heavy tail: 90 % of new rows lie inside, and of new groups, whose rows err together."""
    rng = np.random.default_rng(8)
    inside, of_groups, sets = [], [], []
    for seed in range(12):
        A, B = rng.normal(size=(120, 4)), rng.normal(size=(1500, 4))
        y, new = (Z[:, 0] + rng.standard_t(3, size=len(Z)) for Z in (A, B))
        ends = Regressor(random_state=seed, lambdas=30).fit(A, y).predict_interval(B)
        inside.append(np.mean((ends[:, 0] <= new) & (new <= ends[:, 1])))
        groups, others = np.arange(120) // 6, np.arange(1500) // 6
        y, new = (
            Z[:, 0] + 2 * rng.normal(size=g.max() + 1)[g] + rng.normal(size=len(Z))
            for Z, g in ((A, groups), (B, others))
        )
        model = Regressor(random_state=seed, lambdas=30).fit(A, y, groups=groups)
        ends = model.predict_interval(B)
        of_groups.append(np.mean((ends[:, 0] <= new) & (new <= ends[:, 1])))
        codes = [np.digitize(Z[:, 0] + rng.normal(size=len(Z)), [-1.0, 1.0]) for Z in (A, B)]
        found = Classifier(random_state=seed, lambdas=20, tol=1e-4).fit(A, codes[0]).predict_set(B)
        sets.append(found[np.arange(1500), codes[1]].mean())
    assert np.mean(inside) == pytest.approx(0.9, abs=0.025)
    assert np.mean(of_groups) == pytest.approx(0.92, abs=0.04)
    assert 0.88 <= np.mean(sets) <= 0.95


def test_too_few_rows_or_groups_have_no_ends() -> None:
    few = Regressor(cv=4, lambdas=4).fit(X[:8], Y[:8]).predict_interval(X, 0.95)
    assert np.isinf(few).all()
    groups = np.arange(61) % 5
    assert np.isinf(Regressor(cv=5, lambdas=4).fit(X, Y, groups=groups).predict_interval(X)).all()
    assert np.isfinite(Regressor(cv=5, lambdas=4).fit(X, Y).predict_interval(X)).all()
    everything = Classifier(cv=3, lambdas=4).fit(X, Y > 0, groups=groups).predict_set(X, 0.99)
    assert everything.all()


# ---- tables, files, the command line ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_a_fit_tells_and_keeps_its_intervals(case: str, tmp_path: Path) -> None:
    fit, rows = fit_of(case), table()
    found = fit.predict(rows, interval=0.8)
    assert found["prediction"].to_list() == fit.predict(rows).tolist()
    if fit.classes:
        assert found.columns == ["prediction", "set"]
        pairs = zip(found["prediction"].to_list(), found["set"].to_list(), strict=True)
        assert all(predicted in held for predicted, held in pairs)
    else:
        assert found.columns == ["prediction", "lower", "upper"]
        assert (found["lower"] <= found["upper"]).all()
        assert found["lower"].is_finite().all()
    again = taut.load(fit.save(tmp_path / "m.safetensors"))
    assert again.predict(rows, interval=0.8).equals(found)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_logarithm_gives_ends_in_the_units_of_the_table() -> None:
    fit = fit_of("logarithm")
    found = fit.predict(table(), interval=0.8)
    assert (found["lower"] > 0).all()
    held = fit.errors
    assert held is not None
    design = next(fit.runs(table())).X
    ends = held.interval(fit.loss, design, 0.8)
    np.testing.assert_allclose(found["upper"], np.exp(ends[:, 1]))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_counts_end_at_zero() -> None:
    found = fitted("count", loss="poisson").predict(table(), interval=0.95)
    assert found["lower"].min() == 0.0


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_column_that_a_fold_needs_is_asked_for() -> None:
    fit = fitted("price")
    assert fit.errors is not None
    coef = np.zeros_like(fit.errors.members[0].coefs[0])
    coef[[name.startswith("x3") for name in fit.features]] = 1.0
    member = replace(fit.errors.members[0], coefs=(coef,))
    errors = replace(fit.errors, members=(member, *fit.errors.members[1:]))
    with pytest.raises(DataError, match="x3"):
        replace(fit, errors=errors).predict(table().drop("x3"), interval=0.9)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("target", "columns"), [("price", ["lower", "upper"]), ("kind", ["set"])])
def test_the_command_line_writes_them(
    target: str, columns: list[str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    fitted(target).save(tmp_path / "m.taut")
    rows = features(target).drop(target)
    rows.write_csv("new.csv")
    command = ["predict", "m.taut", "new.csv", "--interval", "0.9"]
    for _ in range(2):  # predictions with an interval may be written over
        done = CliRunner().invoke(main, [*command, "--out", "out.csv"])
        assert done.exit_code == 0, done.output
    found, wanted = pl.read_csv("out.csv"), fitted(target).predict(rows, interval=0.9)
    assert found.columns[-len(columns) :] == columns
    assert found.columns[0] == target
    if target == "price":
        np.testing.assert_allclose(found["lower"], wanted["lower"], rtol=1e-12)
    else:
        assert [text.split(";") for text in found["set"]] == wanted["set"].to_list()
    told = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)
    assert set(columns) <= set(told[0])


def test_a_target_that_is_called_like_an_end_keeps_its_column(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    data = features("price").rename({"price": "lower"})
    taut.fit(data, "lower").save(tmp_path / "m.taut")
    data.write_csv("new.csv")
    done = CliRunner().invoke(main, ["predict", "m.taut", "new.csv", "--interval", "0.9", "--quiet"])
    assert done.stdout.splitlines()[0] == "lower,lower_,upper"


# ---- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Regressor(lam=0.1).fit(X, Y).predict_interval(X), "this model has none: use lam='cv'"),
        (lambda: Regressor(lam="bic").fit(X, Y).predict_interval(X), "this model has none"),
        (lambda: Regressor(cv=TimeSeriesSplit(3)).fit(X, Y).predict_interval(X), "this model has none"),
        (lambda: Regressor().fit(X, np.column_stack([Y, Y])).predict_interval(X), "a single output"),
        (lambda: Regressor().fit(X, Y).predict_interval(X, 1.0), "must lie between 0 and 1"),
        (lambda: Regressor().fit(X, Y).predict_interval(X, "0.9"), "must be a share such as 0.9"),
        (lambda: Regressor().fit(X, Y, offset=Y).predict_interval(X), "was fitted with an offset"),
        (lambda: fitted("price", lam=0.1).predict(table(), interval=0.9), "fit with lam='cv'"),
        (lambda: fitted("price").compact().predict(table(), interval=0.9), "compact"),
        (lambda: fitted("price", time="x1", cv=3).predict(table(), interval=0.9), "do not hold in order of time"),
        (lambda: fitted("price").predict(table(), lam=0.1, interval=0.9), "leave out lam"),
        (lambda: fitted("price").predict(table(), interval=2), "must lie between 0 and 1"),
    ],
)  # fmt: skip
def test_what_has_no_interval_says_so(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_command_line_refuses_in_one_line(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    fitted("price", lam=0.1).save(tmp_path / "m.taut")
    features("price").write_csv("new.csv")
    done = CliRunner().invoke(main, ["predict", "m.taut", "new.csv", "--interval", "0.9"])
    assert done.exit_code == 2
    assert "intervals come from the errors" in done.output


def test_errors_that_do_not_fit_together_are_a_damaged_file(tmp_path: Path) -> None:
    fit = fitted("price")
    assert isinstance(fit.errors, HeldOutErrors)
    for broken in (
        replace(fit.errors, counts=fit.errors.counts[:-1]),
        replace(fit.errors, members=fit.errors.members[:-1]),
        replace(fit.errors, effective=0.0),
        replace(fit.errors, errors=fit.errors.errors * np.nan),
    ):
        place = replace(fit, errors=broken).save(tmp_path / "m.safetensors")
        with pytest.raises(ModelFileError, match="do not fit together"):
            taut.load(place)
