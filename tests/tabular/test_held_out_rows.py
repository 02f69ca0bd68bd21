"""Which rows of a table are held out together, and the variants of the choice from a table: from the words to the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import taut
from taut import Regressor
from taut.cli import main
from taut.design.split import split_groups, split_times
from taut.selection import make_folds, ordered_folds
from taut.tabular import DataError
from taut.tabular.inputs import prepare
from taut.tabular.one_model import draw_folds
from taut.tabular.options import Options
from taut.tabular.words.page import content_of, fit_data

N = 160
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, 4))
GROUP = RNG.integers(0, 16, N)
Y = 2 * X[:, 0] - X[:, 1] + RNG.normal(size=16)[GROUP] + RNG.normal(size=N)
DAY = np.datetime64("2023-11-01") + RNG.permutation(N) // 2
TABLE = pl.DataFrame({f"x{j}": X[:, j] for j in range(4)}).with_columns(
    pl.Series("patient", [f"p{g}" for g in GROUP]),
    pl.Series("day", DAY),
    pl.Series("cost", Y),
    pl.Series("ill", np.where(Y > 0, "yes", "no")),
)
FEW = {"cv": 4, "lambdas": 8}


def prepared(target="cost", **options):
    drop = ("ill",) if target == "cost" else ("cost",)
    return prepare(TABLE, Options.of(target, drop=drop, **options))


def folds_of(part, **options):
    return draw_folds(Options.of("cost", **options), part, None)


# ---- groups ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["cost", "ill"])
def test_no_group_is_on_both_sides_of_a_fold_or_of_the_test(target):
    ready = prepared(target, groups="patient")
    assert not set(ready.train.units) & set(ready.test.units)
    assert "patient" not in ready.setting.preparation.columns
    codes = ready.train.y if target == "ill" else None
    folds = draw_folds(Options.of(target, groups="patient", cv=4), ready.train, codes)
    assert len(folds) == 4
    for train, test in zip(folds.train, folds.test, strict=True):
        assert not set(ready.train.units[train > 0]) & set(ready.train.units[test])
    assert sorted(np.concatenate(folds.test)) == list(range(len(ready.train.y)))


def test_a_number_of_folds_keeps_the_groups_of_an_estimator_whole():
    folds = make_folds(4, X, Y, sample_weight=np.ones(N), groups=GROUP, random_state=0)
    assert all(not set(GROUP[t > 0]) & set(GROUP[h]) for t, h in zip(folds.train, folds.test, strict=True))
    fitted = Regressor(cv=4, lambdas=5, random_state=0).fit(X, Y, groups=GROUP)
    assert fitted.scores_.folds.shape[0] == 4
    assert not np.allclose(
        fitted.scores_.mean, Regressor(cv=4, lambdas=5, random_state=0).fit(X, Y).scores_.mean
    )


def test_rows_without_weight_have_no_group():
    weight = (GROUP > 1).astype(float)
    with pytest.warns(UserWarning, match="14 folds are used, because there are 14 groups"):
        folds = make_folds(20, X, Y, sample_weight=weight, groups=GROUP)
    assert not set(np.concatenate(folds.test)) & set(np.flatnonzero(weight == 0))


def test_one_group_can_not_be_split():
    with pytest.raises(ValueError, match="at least two groups"):
        make_folds(3, X, Y, sample_weight=np.ones(N), groups=np.zeros(N))
    with pytest.raises(DataError, match="1 groups cannot be split"):
        split_groups(np.arange(5), np.zeros(5), 0.2, 0)


# ---- time --------------------------------------------------------------------------------------------------


def test_folds_in_order_of_time_train_on_the_past_alone():
    ready = prepared(time="day")
    assert ready.train.units.max() < ready.test.units.min()
    folds = folds_of(ready.train, time="day", cv=5)
    assert len(folds) == 5
    for train, test in zip(folds.train, folds.test, strict=True):
        assert ready.train.units[train > 0].max() < ready.train.units[test].min()
    assert "day" in ready.setting.preparation.columns


@pytest.mark.parametrize(
    "written",
    [
        lambda day: str(day),
        lambda day: f"{day.item():%d.%m.%Y}",
        lambda day: f"{day}T12:30:00+02:00",
        lambda day: str((day - np.datetime64("2020-01-01")).astype(int)),
    ],
    ids=["ISO", "day first", "time of a zone", "number"],
)
def test_time_may_be_written_in_many_ways(written):
    texts = TABLE.with_columns(pl.Series("day", [written(day) for day in DAY]))
    own = prepare(texts, Options.of("cost", drop=("ill",), time="day")).train.units
    expected = prepared(time="day").train.units
    np.testing.assert_array_equal(np.argsort(own, kind="stable"), np.argsort(expected, kind="stable"))


def test_minutes_count():
    instants = [f"2024-03-01 10:{minute:02d}:00" for minute in RNG.permutation(60)]
    frame = TABLE.head(60).with_columns(pl.Series("day", instants))
    ready = prepare(frame, Options.of("cost", drop=("ill",), time="day", test_size=0.25))
    assert len(np.unique(ready.train.units)) == 45


def test_rows_of_one_time_are_never_parted():
    times = np.array([3, 1, 2, 2, 2, 1, 3, 3, 4, 4])
    split = split_times(np.arange(10), times, 0.3)
    assert sorted(times[split.test]) == [3, 3, 3, 4, 4]
    folds = ordered_folds(times, 3)
    assert [sorted(set(times[test])) for test in folds.test] == [[2], [3], [4]]
    with pytest.raises(ValueError, match="5 different times, and there are 4"):
        ordered_folds(times, 4)
    with pytest.raises(DataError, match="of one time"):
        split_times(np.arange(4), np.zeros(4), 0.5)


def test_repeated_folds_are_other_folds_and_do_not_shrink_the_error():
    once, often = (taut.fit(TABLE, "cost", drop=["ill"], repeats=r, **FEW) for r in (1, 3))
    assert often.scores.folds.shape == (12, 8)
    np.testing.assert_array_equal(often.scores.folds[:4], once.scores.folds)
    assert not np.allclose(often.scores.folds[4:8], once.scores.folds)
    assert often.scores.repeats == pytest.approx(3)
    ratio = often.scores.standard_error / once.scores.standard_error
    assert 0.6 < ratio.mean() < 1.6


# ---- variants ----------------------------------------------------------------------------------------------

VARIANTS = {
    "mixes": {"penalty": "elasticnet", "l1_ratio": [0.1, 0.9]},
    "relaxed": {"relax": "cv"},
    "refitted": {"relax": 0.0},
    "adaptive": {"adaptive": 1.0},
    "scored": {"scoring": ["neg_mean_absolute_error", "r2"], "rule": "1se"},
    "left out": {"penalty": "l2", "lam": "loo"},
    "gcv": {"lam": "gcv"},
    "in time": {"time": "day"},
    "groups": {"groups": "patient", "repeats": 2},
}


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request):
    return taut.fit(TABLE, "cost", drop=["ill"], **FEW, **VARIANTS[request.param]), VARIANTS[request.param]


def test_a_table_is_fitted_as_its_arrays_are(variant):
    fit, options = variant
    ready = prepare(TABLE, fit.setting.options)
    folds = draw_folds(fit.setting.options, ready.train, None)
    own = {k: v for k, v in options.items() if k not in ("time", "groups", "repeats")}
    model = Regressor(**FEW | own | {"cv": folds, "random_state": 0}).fit(ready.train.X, ready.train.y)
    assert fit.lam == pytest.approx(model.lam_, rel=1e-9)
    np.testing.assert_allclose(fit.layers.coefs[0][:, 0], model.coef_, rtol=1e-4, atol=1e-6)
    assert fit.gamma == model.gamma_
    if "l1_ratio" in options:
        assert fit.l1_ratio == model.l1_ratio_
    for name, scores in model.measures_.items():
        np.testing.assert_allclose(fit.scores.measures[name].mean, scores.mean, atol=1e-6)


def test_a_variant_is_the_same_after_loading_and_has_its_page(variant, tmp_path):
    fit, _ = variant
    again = taut.load(fit.save(tmp_path / "fit.taut"))
    assert str(again) == str(fit)
    assert (again.gamma, again.l1_ratio) == (fit.gamma, fit.l1_ratio)
    assert content_of(again) == content_of(fit)
    assert again.report(tmp_path / "page.html").stat().st_size > 50_000


def test_the_page_solves_only_what_the_plain_penalty_is():
    for name in ("relaxed", "refitted", "adaptive"):
        fit = taut.fit(TABLE, "cost", drop=["ill"], **FEW, **VARIANTS[name])
        assert ("moments" in fit_data(fit)) == (fit.gamma == 1.0 and name != "adaptive")
        assert (fit.same_as is None) == (fit.gamma != 1.0 or name == "adaptive")


def test_what_the_page_solves_is_the_mix_that_was_taken():
    fit = taut.fit(TABLE, "cost", drop=["ill"], penalty="elasticnet", l1_ratio=[0.2, 0.21], **FEW)
    assert fit.evidence.shape == (fit.l1_ratio, (1 - fit.l1_ratio) / 2)
    assert f"l1_ratio {fit.l1_ratio:g} of 0.2, 0.21" in str(fit)


def test_the_first_scorer_marks_the_path():
    fit = taut.fit(TABLE, "ill", drop=["cost"], scoring="roc_auc", cv=4, lambdas=[0.3, 0.1, 0.03, 0.01])
    measure = fit.scores.measures["roc_auc"]
    assert fit.index == measure.index_min
    table = fit.path_table()
    np.testing.assert_allclose(table["cv_roc_auc"], -measure.mean)
    assert "min" in table["marks"][fit.index]
    assert "CV roc_auc ± SE" in str(fit)
    assert "the best cross-validated score" in str(content_of(fit).narrative)


# ---- what goes wrong is said before anything is fitted -----------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": "nosuch"}, "no groups column 'nosuch'"),
        ({"groups": "cost"}, "cannot be both the target and the groups"),
        ({"groups": "patient", "keep": ["patient"]}, "'patient' is the groups; it takes no other option"),
        ({"groups": "patient", "time": "day"}, "give one of them"),
        ({"time": "patient"}, "row 1: 'p.*' is not a date, a time or a number"),
        ({"time": "day", "repeats": 2}, "time runs one way"),
        ({"time": "day", "cv": 200}, "201 different times"),
        ({"repeats": 0}, "at least once"),
        ({"repeats": 2, "lam": 0.1}, "no folds to draw anew"),
        ({"scoring": "r3"}, "there is no scorer 'r3'; did you mean r2"),
        ({"scoring": "roc_auc"}, "'roc_auc' can not judge a target of numbers: a model of numbers has none"),
        ({"scoring": "r2", "lam": 0.1}, "holds out none: it needs lam='cv'"),
        ({"l1_ratio": [0.1, 0.5]}, "several l1_ratios need penalty='elasticnet'"),
        ({"penalty": "elasticnet", "l1_ratio": [0.1, 0.5], "lam": 0.1}, "chooses nothing"),
        ({"relax": 2.0}, "relax must be"),
        ({"relax": 0.0, "bootstrap": 5}, "bootstrap fits are not relaxed"),
        ({"relax": "cv", "lam": "bic"}, "need lam='cv'"),
        ({"adaptive": -1.0}, "adaptive must be"),
        ({"hidden": (4,), "relax": 0.0}, "a network is not relaxed"),
        ({"hidden": (4,), "adaptive": 1.0}, "use hidden="),
        ({"lam": "loo"}, "is ridge's"),
    ],
)
def test_what_can_not_be(options, message):
    fitted = []
    with pytest.raises(ValueError, match=message):
        taut.fit(TABLE, "cost", drop=["ill"], progress=fitted.append, **options)
    assert fitted == []


def test_a_gap_in_the_groups_is_named():
    gap = TABLE.with_columns(
        pl.when(pl.col("x0") == X[7, 0]).then(None).otherwise("patient").alias("patient")
    )
    with pytest.raises(DataError, match="groups column 'patient', row 8: missing; every row needs a group"):
        taut.fit(gap, "cost", groups="patient")


# ---- the command line --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_words_of_the_command_line(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("visits.csv")
    base = ["--target", "cost", "--drop", "ill", "--cv", "3"]
    words = ["--groups", "patient", "--repeats", "2", "--penalty", "elasticnet", "--l1-ratio", "0.2,1"]
    done = CliRunner().invoke(
        main, ["fit", "visits.csv", *base, *words, "--scoring", "r2", "--adaptive", "1"]
    )
    assert done.exit_code == 0, done.stderr
    for said in (
        "whole groups of patient",
        "6 folds of whole groups",
        "CV r2 ± SE",
        "adaptive: a coefficient costs",
    ):
        assert said in done.stdout
    page = CliRunner().invoke(main, ["report", "visits.taut"])
    assert page.exit_code == 0
    ranked = CliRunner().invoke(
        main, ["compare", "visits.csv", *base, "--time", "day", "--scoring", "r2", "--linear"]
    )
    assert ranked.exit_code == 0, ranked.stderr
    assert ranked.stdout.index("lasso") < ranked.stdout.index("null")


def test_a_fit_that_can_not_be_leaves_nothing_behind(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("visits.csv")
    for words in (
        ["--lam", "loo"],
        ["--scoring", "roc_auc"],
        ["--l1-ratio", "0.1,1"],
        ["--time", "day", "--cv", "99"],
    ):
        failed = CliRunner().invoke(main, ["fit", "visits.csv", "--target", "cost", *words])
        assert failed.exit_code == 3
        assert len(failed.stderr.splitlines()) == 1
        assert not Path("visits.taut").exists()
