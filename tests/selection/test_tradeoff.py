"""Bias and variance by bootstrap: the identity, the definitions, and what they must show where the truth is known."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

import taut
from taut.families import as_loss
from taut.path import PathSpec
from taut.selection import as_data, bootstrap
from taut.selection.resamples import resamples
from taut.solvers.networks.settings import Training
from tests.agreement import assert_agrees, table

DATA = table()
N, P = DATA.X.shape
LAMBDAS = np.array([0.8, 0.2, 0.01])


def measured(y=DATA.y, X=DATA.X, loss="squared", weight=None, lambdas=LAMBDAS, **options):
    spec = PathSpec(as_loss(loss), tol=options.pop("tol", 1e-8), **options.pop("spec", {}))
    return bootstrap(spec, as_data(spec, X, y, weight), lambdas, **{"fits": 12, "random_state": 0} | options)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("squared", DATA.y),
        ("squared", DATA.outputs),
        ("logistic", DATA.binary),
        ("multinomial", DATA.classes),
        ("poisson", DATA.counts),
    ],
)
def test_variance_and_bias_add_up_to_the_out_of_bag_error(loss, y):
    found = measured(y, loss=loss, weight=DATA.weight, tol=1e-6)
    np.testing.assert_allclose(found.variance + found.bias, found.error, rtol=1e-10)
    np.testing.assert_allclose(found.corrected_variance + found.corrected_bias, found.error, rtol=1e-10)
    assert (found.variance >= 0).all()


def test_against_the_definitions_row_by_row():
    found = measured(weight=DATA.weight, fits=6)
    random = np.random.RandomState(0)
    draws = [np.bincount(random.choice(N, N), minlength=N) for _ in range(6)]
    paths = [
        taut.fit_path(DATA.X, DATA.y, sample_weight=DATA.weight * draw, lambdas=LAMBDAS, tol=1e-8)
        for draw in draws
    ]
    values = [
        np.where(d[:, None] == 0, p.decisions(DATA.X), np.nan) for d, p in zip(draws, paths, strict=True)
    ]
    judged = np.sum(np.array(draws) == 0, axis=0) >= 2
    f, y, w = np.array(values)[:, judged], DATA.y[judged, None], DATA.weight[judged]
    assert found.rows == judged.sum()
    assert_agrees(found.variance, np.average(np.nanvar(f, axis=0), axis=0, weights=w))
    assert_agrees(found.corrected_variance, np.average(np.nanvar(f, axis=0, ddof=1), axis=0, weights=w))
    assert_agrees(found.bias, np.average((np.nanmean(f, axis=0) - y) ** 2, axis=0, weights=w))
    assert_agrees(found.error, np.average(np.nanmean((f - y) ** 2, axis=0), axis=0, weights=w))
    used = np.mean([path.coefs != 0 for path in paths], axis=0)
    np.testing.assert_array_equal(found.frequencies, used)


def test_the_trade_off():
    # A stronger ridge varies less and is further off; the lasso finds the columns that matter.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 30))
    y = X[:, :10] @ np.ones(10) + rng.normal(size=80)
    found = measured(y, X, lambdas=np.array([10.0, 3.0, 1.0, 0.1]), fits=25, spec={"penalty": taut.L2()})
    assert (np.diff(found.corrected_variance) > 0).all()
    assert (np.diff(found.corrected_bias) < 0).all()
    lasso = measured(y, X, lambdas=np.array([0.3]), fits=25)
    assert lasso.frequencies[0, :10].mean() > 0.8
    assert lasso.frequencies[0, 10:].mean() < 0.2


def test_a_network_is_measured_in_the_same_way():
    spec = {"hidden": (3,), "random_state": 0, "training": Training().with_options(max_epochs=2)}
    found = measured(lambdas=np.array([0.3, 0.1]), fits=3, spec=spec)
    np.testing.assert_allclose(found.variance + found.bias, found.error, rtol=1e-10)
    assert found.frequencies.shape == (2, P)


def test_rows_of_no_weight_are_neither_drawn_nor_judged():
    weight = np.ones(N)
    weight[:20] = 0
    found = measured(weight=weight)
    assert found.rows <= N - 20
    rest = measured(DATA.y[20:], DATA.X[20:])
    assert_agrees(found.error, rest.error)


def test_one_fit_has_no_variance():
    with pytest.raises(ValueError, match="at least 2"):
        measured(fits=1)


def test_a_known_truth_is_recovered():
    # y = Xβ + ε, rows drawn anew: the true bias² and variance of a ridge at every λ are averages over fresh samples.
    rng = np.random.default_rng(4)
    p, n, noise = 10, 500, 2.0
    beta, grid = np.linspace(0.2, 2.0, p), np.array([3.0, 1.0, 0.3, 0.1, 0.01])

    def sample(rows):
        design = rng.normal(size=(rows, p))
        return design, design @ beta + np.sqrt(noise) * rng.normal(size=rows)

    def ridges(design, y):
        centred = design - design.mean(axis=0)
        moments = centred.T @ centred / len(y), centred.T @ (y - y.mean()) / len(y)
        slopes = [np.linalg.solve(moments[0] + lam * np.eye(p), moments[1]) for lam in grid]
        return [[*slope, y.mean() - design.mean(axis=0) @ slope] for slope in slopes]

    fits = np.array([ridges(*sample(n)) for _ in range(400)])
    fresh = rng.normal(size=(2000, p))
    predictions = fits[..., :p] @ fresh.T + fits[..., p:]
    true_variance = predictions.var(axis=0).mean(axis=1)
    true_bias = ((predictions.mean(axis=0) - fresh @ beta) ** 2).mean(axis=1)
    options = {"penalty": taut.L2(), "standardize": False, "lambdas": grid, "fits": 60}
    found = [taut.bias_variance(*sample(n), random_state=seed, **options) for seed in range(6)]
    variance = np.mean([one.corrected_variance for one in found], axis=0)
    bias = np.mean([one.corrected_bias for one in found], axis=0) - noise
    np.testing.assert_allclose(variance, true_variance, rtol=0.15)
    np.testing.assert_allclose(bias, true_bias, rtol=0.1, atol=0.1 * noise)
    assert (np.diff(bias) < 0).all()


def test_bias_variance_is_the_bootstrap_of_the_grid_of_all_rows():
    found = taut.bias_variance(DATA.X, DATA.y, fits=12, lambdas=5, tol=1e-8, random_state=0)
    np.testing.assert_allclose(found.lambdas, taut.fit_path(DATA.X, DATA.y, lambdas=5).lambdas)
    assert_agrees(found.error, measured(lambdas=found.lambdas).error)


RARE = np.where(np.isin(np.arange(N), [3, 50, 77]), 1, 0)


@pytest.mark.sampled(8)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("resample", ["bootstrap", "half"])
@pytest.mark.parametrize("loss", ["logistic", "multinomial", "poisson", "squared"])
def test_a_rare_class_or_count_ends_nothing(seed, resample, loss):
    y = RARE + np.where(np.arange(N) % 2, 0, 2 * RARE.max()) * (loss == "multinomial")
    y = np.unique(y, return_inverse=True)[1] if loss == "multinomial" else y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = taut.bias_variance(
            DATA.X, y, loss=loss, resample=resample, fits=12, random_state=seed, lambdas=3, tol=1e-4
        )
    assert np.isfinite(found.error).all()


@pytest.mark.parametrize("resample", ["bootstrap", "half"])
def test_every_resample_has_every_class(resample):
    classes = np.where(np.arange(N) == 9, 2, RARE)  # and a class of a single row
    spec = PathSpec(as_loss("multinomial"))
    data = as_data(spec, DATA.X, classes, np.where(np.arange(N) % 10 == 0, 0.0, 1.0))
    draws = list(resamples(spec, data, 20, resample, np.random.RandomState(0)))
    assert len(draws) == 20
    used = data.weight > 0
    for counts in draws:
        assert not counts[~used].any()
        assert all(counts[used & (classes == label)].any() for label in range(3))
        assert counts[9] == 1
        if resample == "bootstrap":
            of_class = [
                (counts[used & (classes == c)].sum(), np.sum(used & (classes == c))) for c in range(3)
            ]
            assert all(drawn == size for drawn, size in of_class)
    if resample == "half":
        pairs = np.array(draws).reshape(10, 2, N).sum(axis=1)
        assert (np.delete(pairs, 9, axis=1) <= 1).all()
        assert (pairs[:, used].sum(axis=1) >= used.sum() - 1).all()


def test_what_is_drawn_anew_is_said():
    with pytest.warns(UserWarning, match="resamples had one y alone, of which nothing is learned") as told:
        taut.bias_variance(DATA.X, RARE, loss="poisson", fits=60, random_state=0, lambdas=[0.5], tol=1e-4)
    assert (len(told), told[0].filename) == (1, __file__)
    lonely = np.where(np.arange(N) == 3, 1.0, 0.0)
    spec = PathSpec(as_loss("poisson"))
    data = as_data(spec, DATA.X, lonely)
    hopeless = replace(data, weight=np.where(lonely == 1, 0.0, 1.0))
    with pytest.raises(ValueError, match="there is no y above 0"):
        list(resamples(spec, hopeless, 3, "bootstrap", np.random.RandomState(0)))
    with pytest.raises(
        ValueError, match="nearly all have one y alone"
    ):  # one of two halves always lacks the only count
        list(resamples(spec, data, 4, "half", np.random.RandomState(0)))


@pytest.mark.parametrize("n", [2, 3, 5, 6])
def test_few_rows_are_measured_or_told(n):
    y = DATA.X[:n, 0] + np.arange(n) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for seed in range(4):
            found = (
                taut.bias_variance(DATA.X[:n], y, random_state=seed, lambdas=2, fits=40) if n > 2 else None
            )
            assert found is None or (found.rows <= n and np.isfinite(found.error).all())
        with pytest.raises(ValueError, match="no row was left out by two of 2 fits"):
            taut.bias_variance(DATA.X[:2], y[:2], random_state=0, lambdas=2, fits=2)


def test_halves_are_complementary():
    found = taut.bias_variance(DATA.X, DATA.y, fits=4, resample="half", lambdas=LAMBDAS, random_state=0)
    assert found.resample == "half"
    assert found.rows == N  # of every pair each row is in one half: two pairs leave it out twice
    with pytest.raises(ValueError, match="no row was left out by two"):
        taut.bias_variance(DATA.X, DATA.y, fits=2, resample="half", lambdas=LAMBDAS, random_state=0)
    with pytest.raises(ValueError, match="resample must be one of"):
        taut.bias_variance(DATA.X, DATA.y, resample="jackknife")
