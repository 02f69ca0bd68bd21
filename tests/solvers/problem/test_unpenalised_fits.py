"""Fits of what nothing penalises where the usual steps fail: bounds, saturated rows, kinks, and no minimum at all."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import taut
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.solvers.matrix import SparseMatrix
from taut.solvers.problem.existence import attained
from taut.solvers.problem.huber_fit import fit_huber, line_minimum
from taut.solvers.working_set.columns import SparseColumns

Float = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


# ---- within bounds ------------------------------------------------------------------------------------------


def test_a_centred_column_is_no_intercept() -> None:
    """With y = 0 throughout and a penalised intercept the null model is η = 0, whatever free columns far from zero there are.

    What the rounding of their means leaves of a constant would lower every row's loss without end.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, 5)) * [0.6, 4e-4, 1e2, 1e-3, 1.0] + [0.0, 0.0, 1.3e6, 0.0, 40.0]
    path = taut.fit_path(
        X, np.zeros(4), loss="logistic", lambdas=[0.2], penalize_biases=True,
        penalty=taut.L1(factors=np.zeros(5), lower=[-1e-2, -np.inf, -np.inf, -100.0, 0.0]),
    )  # fmt: skip
    assert path.null_loss == pytest.approx(np.log(2.0), rel=1e-12)
    assert path.certificates[0].met


def test_bounded_classes_beside_a_row_with_nearly_all_the_weight() -> None:
    """Two classes, one free column with w ≥ 0: only the difference of its coefficients counts, and F has one minimum."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=40)
    x[-1] = -1.1
    y = (rng.uniform(size=40) < 0.5) * 1.0
    y[-1], weight = 1.0, np.where(np.arange(40) == 39, 1e10, 1.0)
    penalty = taut.L2(factors=[0.0], lower=[0.0])
    path = taut.fit_path(
        x[:, None], y, loss="multinomial", penalty=penalty, lambdas=[1.0], sample_weight=weight,
        fit_intercept=False, standardize=False,
    )  # fmt: skip
    share, sign = weight / weight.sum(), np.where(y == 1.0, -1.0, 1.0)
    right = scipy.optimize.minimize_scalar(
        lambda d: float(share @ np.logaddexp(0.0, sign * d * x)), bounds=(-100.0, 100.0), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    assert path.null_loss == pytest.approx(right.fun, rel=1e-6)


@pytest.mark.parametrize("loss", ["huber", "logistic", "poisson", "squared"])
def test_nearly_dependent_columns_beside_one_with_a_bound(loss: str) -> None:
    """Columns that differ by a millionth, in other coordinates: F is the same, and so is what a bound holds."""
    rng = np.random.default_rng(2)
    Z = rng.normal(size=(40, 3))
    X = np.column_stack([Z[:, 0], Z[:, 0] + 1e-6 * Z[:, 1], Z[:, 2]])
    noisy = Z @ [1.0, 2.0, 1.0] + rng.normal(size=40)
    y = {"logistic": (noisy > 0) * 1.0, "poisson": np.floor(np.exp(np.clip(noisy, -3, 2)))}.get(loss, noisy)
    penalty = taut.L1(factors=np.zeros(3), upper=[np.inf, np.inf, 0.1])
    options = {"loss": loss, "penalty": penalty, "lambdas": [1.0], "standardize": False, "tol": 1e-8}
    plain, mixed = (taut.fit_path(columns, y, **options) for columns in (Z, X))
    assert mixed.certificates[0].met
    assert mixed.losses[0] == pytest.approx(plain.losses[0], rel=1e-7)
    assert mixed.coefs[0, 2] == pytest.approx(plain.coefs[0, 2], rel=1e-4)


# ---- whether there is a minimum -----------------------------------------------------------------------------


@settings(max_examples=40)
@given(seed=seeds)
@pytest.mark.parametrize("loss", [Logistic(), Multinomial(), Poisson()])
def test_a_planted_direction_is_found_and_nothing_else(loss: Loss, seed: int) -> None:
    """With y as a sign of Xd says, d only gains; with every row a second time and another class, nothing does."""
    rng = np.random.default_rng(seed)
    X, weight = rng.normal(size=(15, 3)), np.full(15, 1 / 15)
    side = X @ rng.normal(size=3)
    if isinstance(loss, Poisson):
        # Counts where d leaves η alone, zeros where it lowers it.
        still = np.column_stack([X[:5, :2], np.zeros(5)])
        sunk = np.column_stack([X[5:, :2], np.abs(X[5:, 2]) + 0.1])
        X, y = np.concatenate([still, sunk]), np.where(np.arange(15) < 5, 2.0, 0.0)
        assert attained(loss.bind(y, weight), X) is False
        assert attained(loss.bind(y, weight), X, (-np.ones(3), np.array([1.0, 1.0, 1.0]))) is False
        assert attained(loss.bind(np.where(y == 0.0, 1.0, y), weight), X[:, 2:]) is True
        held = (np.array([-1.0, -1.0, 0.0]), np.ones(3))
        assert attained(loss.bind(y, weight), X[:, 2:], (held[0][2:], held[1][2:])) is True
        return
    y = (side > 0.0) * 1.0
    if y.min() == y.max():
        return
    assert attained(loss.bind(y, weight), X) is False
    twice = loss.bind(np.concatenate([y, 1.0 - y]), np.full(30, 1 / 30))
    assert attained(twice, np.concatenate([X, X])) is True


def test_losses_that_grow_both_ways_have_a_minimum() -> None:
    X, y = np.ones((3, 1)), np.arange(3.0)
    assert attained(SquaredError().bind(y, np.full(3, 1 / 3)), X) is True
    assert attained(Huber(0.1).bind(y, np.full(3, 1 / 3)), X) is True


def test_counts_that_no_fit_reaches_are_said_to_have_no_minimum() -> None:
    """Offsets that expect e^70 and more where every count is 0, and columns that lower all but one: F falls without end."""
    X = np.eye(7)[:, :6]
    path = taut.fit_path(
        X, np.zeros(7), loss="poisson", lambdas=[0.0], fit_intercept=False, standardize=False,
        offset=np.linspace(70.0, 130.0, 7), penalty=taut.L1(upper=np.full(6, 1.0)),
    )  # fmt: skip
    assert not path.certificates[0].met
    assert path.certificates[0].note.startswith("does not exist")


def test_an_exposure_in_place_of_its_logarithm_is_refused() -> None:
    """Without an intercept nothing brings e^400 back; with one the fit is the same as with offsets about zero."""
    rng = np.random.default_rng(4)
    X, y, exposure = rng.normal(size=(30, 2)), rng.poisson(2.0, size=30) * 1.0, rng.uniform(300, 400, 30)
    with pytest.raises(ValueError, match="an offset is the logarithm of an exposure"):
        taut.fit_path(X, y, loss="poisson", offset=exposure, fit_intercept=False)
    near = exposure / 100.0
    far, close = (taut.fit_path(X, y, loss="poisson", offset=o, lambdas=[0.1]) for o in (near + 500.0, near))
    assert far.coefs[0] == pytest.approx(close.coefs[0], abs=1e-7)


def test_row_gradients_beyond_single_precision_are_screened_in_double() -> None:
    """e^95 is no number of single precision, in which columns are looked through otherwise."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 6)) * (rng.uniform(size=(40, 6)) < 0.4)
    columns = SparseColumns(SparseMatrix(sp.csc_array(X)), np.zeros(6))
    columns.precision = np.float32
    residuals = np.exp(95.0) * rng.normal(size=(40, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        values, rounding = columns.screen(residuals)
    np.testing.assert_allclose(values, (X.T @ residuals).T, rtol=1e-12)
    assert not rounding.any()


# ---- Huber losses by their pieces ---------------------------------------------------------------------------


def huber(r: Float, delta: float) -> Float:
    size = np.abs(r)
    return np.where(size <= delta, size**2, 2 * delta * size - delta**2)


@settings(max_examples=60)
@given(
    seed=seeds, delta=st.sampled_from([1e-4, 1e-2, 1.0, 100.0]), charge=st.sampled_from([0.0, 1e-3, -1e-3])
)
def test_a_line_minimum_is_where_the_slope_changes_its_sign(seed: int, delta: float, charge: float) -> None:
    rng = np.random.default_rng(seed)
    r, toward, weight = rng.normal(size=(3, 12))
    weight = np.abs(weight)
    if rng.uniform() < 0.3:
        toward[:6], weight[6:8] = 0.0, 0.0

    def slope(t: float) -> float:
        return float(weight * toward @ np.clip(r + t * toward, -delta, delta)) + charge

    found = line_minimum(r, toward, weight, delta, charge)
    if slope(0.0) >= 0.0:
        assert found == 0.0
    elif delta * float(weight @ np.abs(toward)) + charge > 0.0:  # the slope far out
        assert found > 0.0
        assert slope(found * (1 - 1e-9)) <= 1e-12
        assert slope(found * (1 + 1e-9)) >= -1e-12


@pytest.mark.parametrize("length", [1e-200, 1e-9, 1.0, 1e9, 1e200])
def test_a_line_minimum_does_not_depend_on_the_length_of_the_step(length: float) -> None:
    r, toward, weight = np.random.default_rng(3).normal(size=(3, 12))
    weight, toward[0], toward[1] = np.abs(weight), 0.0, 1e-300
    plain = line_minimum(r, toward, weight, 0.3, -0.01)
    assert plain > 0.0
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = line_minimum(r, toward * length, weight, 0.3, -0.01 * length)
    assert found * length == pytest.approx(plain, rel=1e-12)


@settings(max_examples=40)
@given(seed=seeds, delta=st.sampled_from([1e-3, 1e-1, 10.0]))
def test_a_fit_by_pieces_has_no_gradient(seed: int, delta: float) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.1, 1.0, size=25)
    weight /= weight.sum()
    Q = np.linalg.qr(np.sqrt(weight)[:, None] * rng.normal(size=(25, 3)))[0] / np.sqrt(weight)[:, None]
    away = rng.standard_t(2, size=25) * 10.0
    gamma = fit_huber(Q, away, weight, delta, 1e-14, 200)
    pull = weight * np.clip(away + Q @ gamma, -delta, delta)
    assert np.abs(Q.T @ pull).max() <= 1e-10 * np.abs(pull).sum()


@pytest.mark.parametrize("delta", [1e-3, 1e-2, 0.3])
@pytest.mark.parametrize("outputs", [1, 3])
def test_huber_losses_of_a_small_delta_are_solved(delta: float, outputs: int) -> None:
    """Residuals a thousand times δ, columns without penalty and without an intercept: met, and no worse than a linear program.

    Koenker, *Quantile Regression* (2005), §1.3: least absolute deviations is one; h_δ/2δ lies between |r| − δ/2 and |r|.
    """
    rng = np.random.default_rng(6)
    X = rng.normal(size=(40, 6))
    y = X @ rng.normal(size=(6, outputs)) + rng.standard_t(2, size=(40, outputs))
    path = taut.fit_path(
        X, y if outputs > 1 else y[:, 0], loss=taut.Huber(delta), lambdas=[1e-9], standardize=False,
        fit_intercept=False, penalty=taut.L1(factors=[0, 0, 1, 1, 1, 1]), tol=1e-6,
    )  # fmt: skip
    assert path.certificates[0].met
    lowest = np.mean([_least_absolute(X, column) for column in y.T])
    assert lowest - delta / 2 <= path.losses[0] / (2 * delta) <= lowest + 1e-6


def _least_absolute(X: Float, y: Float) -> float:
    """min mean|y − Xw|."""
    n, p = X.shape
    A = np.block([[X, -np.eye(n)], [-X, -np.eye(n)]])
    cost = np.concatenate([np.zeros(p), np.full(n, 1 / n)])
    found = scipy.optimize.linprog(
        cost, A_ub=A, b_ub=np.concatenate([y, -y]), bounds=[(None, None)] * (p + n)
    )
    return float(found.fun)


@pytest.mark.parametrize("far", [1e-6, 1e-7])
@pytest.mark.parametrize("seed", [2, 4, 5])
def test_nearly_dependent_columns_with_bounds_are_fitted_along_their_face(seed: int, far: float) -> None:
    """x and x + far·z, the second with a bound that does not bind, span what x and z do: the same null loss."""
    rng = np.random.default_rng(seed)
    x, z, other = rng.normal(size=(3, 40))
    y = (rng.uniform(size=40) < 1 / (1 + np.exp(-x - 2 * z))) * 1.0
    found, right = (
        taut.fit_path(
            np.stack([x, second, other], axis=1), y, loss="logistic", lambdas=[1.0], standardize=False,
            penalty=taut.SCAD(lam=1.0, factors=np.zeros(3), lower=[-np.inf, bound, 0.0]),
        )
        for second, bound in ((x + far * z, -0.005), (z, -np.inf))
    )  # fmt: skip
    assert found.certificates[0].met
    assert found.null_loss == pytest.approx(right.null_loss, rel=1e-7)


def test_a_separation_that_came_to_rest_within_the_tolerance_is_told() -> None:
    """Both classes are at x = −1, the first alone at x = 2: its coefficient grows, and the gradient is soon below any tolerance."""
    path = taut.fit_path(
        [[-1.0], [-1.0], [2.0]], [0, 1, 0], loss="multinomial", lambdas=[1.0], tol=1e-6, standardize=False,
        penalty=taut.SCAD(lam=2.0, factors=[0.0], lower=[-0.1]),
    )  # fmt: skip
    assert path.certificates[0].note.startswith("does not exist")
    assert not path.certificates[0].met


def test_a_row_that_is_small_beside_others_forbids_a_direction() -> None:
    """Rows 1 and 3 have x = 1e-10 and different classes: what the second row gains along x one of them loses."""
    x, weight = np.array([[1e-10], [-1.0], [1e-10]]), np.full(3, 1 / 3)
    assert attained(Logistic().bind(np.array([1.0, 0.0, 0.0]), weight), x)
    assert not attained(Logistic().bind(np.array([1.0, 0.0, 1.0]), weight), x)


def test_a_sparse_column_that_hardly_varies_beside_a_heavy_row_has_its_digits() -> None:
    """The heavy row alone has an entry of size: the variance is a part in 1e9 of the mean square."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(12, 3)) * (rng.uniform(size=(12, 3)) < 0.3)
    X[-1] = [4.9, -3.2, 0.7]
    y, weight = np.append(np.arange(11) % 2, 0.0), np.append(np.ones(11), 1e10)
    dense, sparse = (
        taut.fit_path(
            store(X), y, loss="logistic", penalty="mcp", lambdas=3, sample_weight=weight, solver="working-set"
        )
        for store in (np.asarray, sp.csc_array)
    )
    np.testing.assert_allclose(sparse.lambdas, dense.lambdas, rtol=1e-10)


def test_the_centre_of_a_column_is_in_the_gap_where_the_intercept_is_penalised() -> None:
    """A mean of 1e6 deviations has ten digits left for the deviations: no gap is told to be less than what that may cost."""
    rng = np.random.default_rng(7)
    X = 4e6 + rng.normal(size=(20, 2))
    options = {"penalty": "l1", "lambdas": 3, "penalize_biases": True, "tol": 1e-6}
    told = [one.value for one in taut.fit_path(X, rng.normal(size=20), loss="huber", **options).certificates]
    assert min(told) >= 1e-11
    assert max(told) <= 1e-6


def test_counts_beside_a_heavy_row_take_few_steps() -> None:
    """Rows whose counts are near zero bend by e^−30 beside one by e^6: each keeps its own curvature, and Newton's steps arrive."""
    rng = np.random.default_rng(8)
    X, weight = rng.normal(size=(14, 6)), np.append(np.ones(13), 1e10)
    y = np.append(np.where(np.arange(13) % 3 == 0, 400.0, 0.0), 410.0)
    path = taut.fit_path(
        X, y, loss="poisson", penalty=taut.ElasticNet(alpha=0.5, factors=[0.0, 0.0, 1.0, 1.0, 1.0, 1.0]), lambdas=4,
        sample_weight=weight, tol=1e-8, solver="newton",
    )  # fmt: skip
    assert max(one.value for one in path.certificates) <= 1e-4  # the heavy row's own rounding
    assert int(np.max(path.iterations)) <= 60


@pytest.mark.parametrize("offset", [100.0, 1e5])
def test_rows_that_an_offset_saturates_all_are_fitted(offset: float) -> None:
    """Classes that the sign of x tells apart have a loss near zero, and the offset takes no row out of reach."""
    rng = np.random.default_rng(9)
    x = np.append(rng.normal(size=30), [0.05, -0.05])
    path = taut.fit_path(
        x[:, None], (x > 0) * 1.0, loss="logistic", lambdas=[1e-3], penalty=taut.L1(factors=[0.0]), standardize=False,
        fit_intercept=False, offset=offset * np.where(np.arange(32) % 2, 1.0, -1.0),
    )  # fmt: skip
    assert path.null_loss < 1e-3
