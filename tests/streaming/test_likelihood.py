"""Logistic paths of streamed rows: certified in a few passes, and those of the rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import taut
from taut.design import DataError
from tests.streaming.samples import blocks

TOL = 1e-6


def table(rows: int = 20_000, columns: int = 12, shift: float = -0.5, rho: float = 0.5) -> pl.DataFrame:
    """Columns of correlation rho^|i − j| and of many sizes, and a target of 0 and 1."""
    rng = np.random.default_rng(1)
    root = np.linalg.cholesky(rho ** np.abs(np.subtract.outer(np.arange(columns), np.arange(columns))))
    X = rng.normal(size=(rows, columns)) @ root.T
    slopes = np.where(np.arange(columns) < 5, rng.normal(size=columns), 0.0)
    y = rng.random(rows) < 1.0 / (1.0 + np.exp(-(X @ slopes + shift)))
    X = X * 10.0 ** (np.arange(columns) % 5 - 2) + 100.0
    return pl.DataFrame(X, schema=[f"x{j}" for j in range(columns)]).with_columns(y=pl.Series(y.astype(int)))


HARD = {
    "plain": table(),
    "rare": table(60_000, shift=-5.0),
    "sorted": table().sort("y"),
    "correlated": table(rho=0.95),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("penalty", [taut.L1(), taut.ElasticNet(alpha=0.5)], ids=["l1", "elastic net"])
def test_a_path_is_certified_in_few_passes_and_is_that_of_the_rows(name: str, penalty: taut.Penalty) -> None:
    frame = HARD[name]
    found = taut.stream_path(frame, "y", 4, penalty=penalty, lambdas=30, passes=9)
    assert found.passes <= 9
    assert all(c.met for c in found.path.certificates)
    parts = found.moments.preparation.assignment.parts(frame, np.arange(frame.height))
    train, test = frame.filter(parts > 0), frame.filter(parts == 0)
    X, y = train.drop("y").to_numpy(), train["y"].to_numpy()
    exact = taut.fit_path(X, y, loss="logistic", penalty=penalty, lambdas=found.path.lambdas, tol=1e-9)
    assert found.path.null_loss == pytest.approx(exact.null_loss, rel=1e-10)
    assert found.path.lambdas[0] == pytest.approx(
        taut.fit_path(X, y, loss="logistic", penalty=penalty, lambdas=2).lambdas[0]
    )
    # A certificate bounds how far F is from its minimum, which the exact path has to 1e-9.
    rise = (found.path.objectives - exact.objectives) / exact.null_loss
    assert rise.min() > -2e-9
    assert (rise <= [c.value + 2e-9 for c in found.path.certificates]).all()
    eta = found.path.decisions(test.drop("y").to_numpy())
    assert np.allclose(
        found.tested, np.log1p(np.exp(-np.where(test["y"].to_numpy()[:, None] == 1, eta, -eta))).mean(axis=0)
    )


def test_scores_are_those_of_folds() -> None:
    frame = HARD["plain"]
    found = taut.stream_path(frame, "y", 3, lambdas=20, test_size=0.0)
    parts = found.moments.preparation.assignment.parts(frame, np.arange(frame.height))
    splits = [(np.flatnonzero(parts != k), np.flatnonzero(parts == k)) for k in (1, 2, 3)]
    X, y = frame.drop("y").to_numpy(), frame["y"].to_numpy()
    exact = taut.cross_validate(X, y, loss="logistic", cv=splits, lambdas=found.path.lambdas, tol=1e-8)
    assert np.allclose(found.scores.mean, exact.scores.mean, rtol=1e-4)
    assert found.worst <= TOL
    assert np.isnan(found.tested).all()


def test_blocks_change_nothing_beyond_rounding() -> None:
    frame = HARD["plain"]
    whole = taut.stream_path(frame, "y", 2, lambdas=10)
    parts = taut.stream_path(blocks(frame, 1, 4_000, 15_000), "y", 2, lambdas=10)
    assert np.allclose(whole.path.standardized_coefs, parts.path.standardized_coefs, atol=1e-9)


def test_too_few_passes_are_told() -> None:
    found = taut.stream_path(HARD["correlated"], "y", 2, passes=3)
    assert found.passes == 3
    assert not all(c.met for c in found.path.certificates)
    assert "λ certified" in str(found)


def test_weights_count() -> None:
    """A weight of 2 is a row twice, to what the sample's draw changes."""
    frame = HARD["plain"].with_columns(w=pl.Series(np.random.default_rng(0).integers(0, 3, 20_000)))
    found = taut.stream_path(frame, "y", 2, weights="w", lambdas=10, test_size=0.0)
    X, y = frame.drop("y", "w").to_numpy(), frame["y"].to_numpy()
    exact = taut.fit_path(
        X, y, loss="logistic", sample_weight=frame["w"].to_numpy(), lambdas=found.path.lambdas, tol=1e-9
    )
    assert np.abs(found.path.objectives - exact.objectives).max() < 2 * TOL * exact.null_loss
    assert np.allclose(found.path.standardized_coefs, exact.standardized_coefs, atol=1e-2)


def test_probabilities_of_new_rows() -> None:
    found = taut.stream_path(HARD["plain"], "y", 2, lambdas=10)
    chance = found.predict(HARD["plain"])
    assert np.mean(chance) == pytest.approx(HARD["plain"]["y"].mean(), abs=0.02)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "x0"}, "needs 0 and 1"),
        ({"target": "twos"}, "row 2: 2; a logistic path needs 0 and 1"),
        ({"target": "one"}, "there is nothing to predict"),
        ({"penalty": "l2"}, "passes solve L1 and the elastic net"),
        ({"penalty": taut.MCP()}, "passes solve L1 and the elastic net"),
    ],
)
def test_what_cannot_be_fitted_is_said(change: dict[str, object], said: str) -> None:
    with pytest.raises((ValueError, DataError), match=said):
        taut.stream_path(
            HARD["plain"].with_columns(twos=pl.col("y") + 2 - 2 * pl.col("y"), one=pl.lit(1)),
            **{"target": "y", **change},
        )


@pytest.mark.parametrize("scale", [1.0, 0.05], ids=["counts", "mostly 0"])
def test_poisson(scale: float) -> None:
    frame = table()
    X = frame.drop("y").to_numpy()
    rng = np.random.default_rng(2)
    rate = scale * np.exp(0.3 * ((X - X.mean(axis=0)) / X.std(axis=0))[:, :4].sum(axis=1))
    frame = frame.with_columns(y=pl.Series(rng.poisson(rate)))
    found = taut.stream_path(frame, "y", 3, loss="poisson", lambdas=30, test_size=0.0, passes=9)
    assert all(c.met for c in found.path.certificates)
    y = frame["y"].to_numpy()
    parts = found.moments.preparation.assignment.parts(frame, np.arange(frame.height))
    splits = [(np.flatnonzero(parts != k), np.flatnonzero(parts == k)) for k in (1, 2, 3)]
    exact = taut.cross_validate(X, y, loss="poisson", cv=splits, lambdas=found.path.lambdas, tol=1e-9)
    path = exact.paths[0]
    unit = path.null_loss - path.saturated_loss
    rise = (found.path.objectives - path.objectives[: len(found.path)]) / unit
    assert found.path.null_loss == pytest.approx(path.null_loss)
    assert found.path.saturated_loss == pytest.approx(path.saturated_loss)
    assert rise.min() > -2e-9
    assert (rise <= [c.value + 2e-9 for c in found.path.certificates]).all()
    assert np.allclose(found.scores.mean, exact.scores.mean, rtol=1e-4)
    assert np.allclose(found.predict(frame).mean(), y.mean(), rtol=1e-3)


def test_an_unknown_loss_and_negative_counts_are_said() -> None:
    with pytest.raises(ValueError, match="loss must be one of"):
        taut.stream_path(HARD["plain"], "y", loss="huber")
    with pytest.raises(DataError, match="needs numbers of at least 0"):
        taut.stream_path(HARD["plain"].with_columns(pl.col("y") * 3 - 1), "y", loss="poisson")


@pytest.mark.filterwarnings("error")
def test_classes_that_a_column_tells_apart_are_no_fault() -> None:
    """A path whose coefficients grow without end as λ falls: what was not certified says so."""
    frame = HARD["plain"].with_columns(y=(pl.col("x0") > 100).cast(pl.Int8))
    found = taut.stream_path(frame, "y", 2, passes=4)
    gaps = np.array([c.value for c in found.path.certificates])
    assert np.isfinite(gaps).all()
    assert gaps[0] <= TOL
    assert np.isfinite(found.path.coefs).all()
