"""Fits that were once certified and not solved: the right value of each, from closed forms and other programs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import PolynomialFeatures

import taut
from taut.laws.certified import moved_law, returned_law
from taut.laws.linear_problems import random_problem
from taut.laws.solver_case import SolverCase
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.penalties import L1, L2, MCP, ElasticNet, GroupLasso, Penalty
from taut.solvers.base import Certificate, LinearProblem, MemberPath, Solver
from taut.solvers.matrix import as_matrix
from taut.solvers.newton.parts import squared_parts
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.problem.certificate import certify_point

Float = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)
LOSSES = ("squared", "logistic", "multinomial", "poisson", "huber")


def responses(eta: Float, rng: np.random.Generator) -> dict[str, Float]:
    noisy = eta + rng.normal(size=len(eta))
    return {
        "squared": noisy, "huber": noisy, "logistic": (noisy > 0) * 1.0,
        "multinomial": np.digitize(noisy, [-0.5, 0.5]) * 1.0, "poisson": rng.poisson(np.exp(eta / 2)) * 1.0,
    }  # fmt: skip


# ---- the certificate sees what nothing penalises ------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "penalty", [L1(factors=[0, 1, 1]), L2(factors=[0, 1, 1]), GroupLasso(groups=[-1, 0, 0])]
)
@settings(max_examples=5)
@given(seed=seeds, power=st.integers(-3, 0))
def test_what_nothing_penalises_is_in_the_certificate(
    loss: str, penalty: Penalty, seed: int, power: int
) -> None:
    """A move of the intercept or of an unpenalised coefficient by δ costs about δ², and the gap is at least what it costs."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 3))
    y = responses(X[:, 0] - X[:, 1], rng)[loss]
    path = taut.fit_path(X, y, loss=loss, penalty=penalty, lambdas=[0.05], tol=1e-9)
    problem = path.problem
    first = (0,) * (path.coefs.ndim - 2)
    assert path.certificates[0].met
    for moved in ("intercept", "coef"):
        coef, intercept = path.coefs[0].copy(), np.array(path.intercepts[0])
        if moved == "intercept":
            intercept[first] += 10.0**power
        else:
            coef[(0, *first)] += 10.0**power
        found = certify_point(problem, problem.weight, 0.05, coef, intercept)
        assert not found.met
        assert found.value > 1e-3 * 10.0 ** (2 * power)


class OtherIntercept(Solver):
    """Returns an intercept that it has not certified."""

    def paths(
        self, problem: LinearProblem, weights: Float, lambdas: Any, progress: Any = None
    ) -> tuple[MemberPath, ...]:
        from dataclasses import replace

        found = ProximalNewton(squared_parts).paths(problem, weights, lambdas, progress)
        return tuple(replace(path, intercepts=path.intercepts + 1e-2) for path in found)


def test_the_laws_find_an_intercept_that_was_not_certified() -> None:
    rng = np.random.default_rng(3)
    data = random_problem(SquaredError(), L1(), rng)
    while not data.fit_intercept or data.penalize_intercept or data.y.ndim == 2:
        data = random_problem(SquaredError(), L1(), rng)
    returned_law(SolverCase(ProximalNewton(squared_parts), data, rng))
    moved_law(SolverCase(ProximalNewton(squared_parts), data, rng))
    with pytest.raises(AssertionError, match="no certificate is less than its point's"):
        returned_law(SolverCase(OtherIntercept(), data, rng))


def test_outputs_are_judged_one_by_one() -> None:
    """A distance to the subdifferential is the largest of the outputs': by hand, for MCP with c = 2/q."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    for q in (3, 8):
        Y = X @ rng.normal(size=(5, q)) + rng.normal(size=(60, q))
        for solver in (None, "coordinate-descent"):
            path = taut.fit_path(
                X, Y, penalty=MCP(gamma=3.0), lambdas=[0.05], standardize=False, tol=1e-3, solver=solver
            )
            w, g = path.coefs[0], 2 / (60 * q) * X.T @ (X @ path.coefs[0] + path.intercepts[0] - Y)
            slope = np.maximum(0.05 - 2 / q * np.abs(w) / 3, 0)
            distance = np.where(w == 0, np.maximum(np.abs(g) - 0.05, 0), np.abs(g + np.sign(w) * slope))
            pull = np.abs(2 / (60 * q) * X.T @ (Y - Y.mean(axis=0))).max()
            assert path.certificates[0].value >= distance.max() / pull * (1 - 1e-6)


def test_one_weak_output_is_not_hidden_by_the_others() -> None:
    """As given, an output of a thousandth of the others' size is solved to the same relative gap."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 6))
    Y = X @ rng.normal(size=(6, 3)) + rng.normal(size=(80, 3))
    sizes = np.array([1.0, 1.0, 1e-3])
    own = taut.fit_path(X, Y[:, 2] * 1e-3, lambdas=[3e-5], standardize=False, tol=1e-10)
    for solver in (None, "coordinate-descent", "newton"):
        path = taut.fit_path(X, Y * sizes, lambdas=[1e-5], standardize=False, tol=1e-8, solver=solver)
        assert path.certificates[0].met
        np.testing.assert_allclose(path.coefs[0][:, 2], own.coefs[0], atol=1e-6)


# ---- constant columns ---------------------------------------------------------------------------------------


def test_a_column_of_ones_beside_the_intercept_keeps_zero() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    y = (x[:, 0] + rng.normal(size=200) > 0).astype(int)
    P = PolynomialFeatures(2).fit_transform(x)
    want = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(P[:, 1:], y)
    models = taut.Classifier(lam=0.0), taut.Classifier(penalty=L1(factors=np.zeros(6)), lam=0.1)
    for model in models:
        model.fit(P, y)
        assert model.coef_[0, 0] == 0.0
        np.testing.assert_allclose(model.coef_[:, 1:], want.coef_, atol=1e-4)
        assert model.path_.certificates[-1].note.startswith("not unique: constant columns")


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("value", [0.0, 1.0, -7.3, 1e6])
@pytest.mark.parametrize("store", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("lam", [0.0, 0.05])
def test_constant_columns_have_no_part(loss: str, value: float, store: Any, lam: float) -> None:
    """Without penalty or at lam = 0 the fit is that without the column."""
    rng = np.random.default_rng(4)
    Z = rng.normal(size=(120, 4)) * (rng.random((120, 4)) < 0.4)
    y = responses(Z[:, 0] - Z[:, 3], rng)[loss]
    X = np.column_stack([np.full(120, value), Z])
    options: dict[str, Any] = {"loss": loss, "lambdas": [lam], "tol": 1e-9}
    found = taut.fit_path(store(X), y, penalty=L1(factors=[0, 1, 1, 1, 1]), **options)
    plain = taut.fit_path(Z, y, **options)
    assert not found.coefs[0][0].any()
    assert found.certificates[0].met
    assert "constant columns" in found.certificates[0].note
    assert found.objectives[0] == pytest.approx(plain.objectives[0], abs=1e-8)
    np.testing.assert_allclose(found.decisions(store(X)), plain.decisions(Z), atol=2e-3)


# ---- units of what nothing penalises ------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "solver", [None, "coordinate-descent", "newton", "softmax", "small-newton", "moments"]
)
@settings(max_examples=4)
@given(seed=seeds)
def test_units_of_unpenalised_columns_do_not_matter(loss: str, solver: str | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(80, 5)) + 0.5
    y = responses(X[:, 0] + X[:, 1] - X[:, 3], rng)[loss]
    powers = np.where(np.arange(5) < 3, 10.0 ** rng.integers(-8, 9, size=5), 1.0)
    options: dict[str, Any] = {"loss": loss, "penalty": L1(factors=[0, 0, 0, 1, 1]), "lambdas": [0.03]}
    options |= {"standardize": False, "tol": 1e-9, "solver": solver}
    try:
        found, plain = (taut.fit_path(X * scale, y, **options) for scale in (powers, 1.0))
    except TypeError:
        return  # an engine for other losses
    assert found.certificates[0].met
    assert found.objectives[0] == pytest.approx(plain.objectives[0], abs=2e-9 * (1 + plain.null_loss))


def test_a_quartic_in_the_year() -> None:
    """Columns that depend on each other to four digits: the same span as that of the scaled year."""
    rng = np.random.default_rng(0)
    t = np.linspace(1990, 2024, 300)
    s = (t - 2007) / 17
    Z = rng.normal(size=(300, 3))
    y = 3 * (s**4 - s**2 + 0.3 * s**3) + Z[:, 0] + 0.05 * rng.normal(size=300)
    powers = np.arange(1, 5)
    paths = [
        taut.fit_path(np.column_stack([x[:, None] ** powers, Z]), y, penalty=L1(factors=[0] * 4 + [1] * 3), lambdas=[0.01, 0])
        for x in (t, s)
    ]  # fmt: skip
    assert all(c.met for path in paths for c in path.certificates)
    np.testing.assert_allclose(paths[0].objectives, paths[1].objectives, rtol=2e-6)


# ---- intercepts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("solver", [None, "newton"])
@settings(max_examples=15)
@given(seed=seeds)
def test_the_intercept_of_huber_is_stationary(delta: float, solver: str | None, seed: int) -> None:
    """Where no residual lies within δ, too: Σ s clip(r, −δ, δ) = 0."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    X = np.round(2 * rng.normal(size=(n, 2)))
    y = np.round(X[:, 0] + 3 * rng.standard_t(1.5, size=n), 1)
    if np.ptp(y) == 0:
        return
    path = taut.fit_path(X, y, loss=Huber(delta), lambdas=[0.3, 0.03, 0.003], solver=solver)
    residual = (path.decisions(X) - y[:, None]) / y.std()
    slope = np.abs(np.mean(np.clip(residual, -delta, delta), axis=0)) / delta
    assert np.all((slope <= 1e-5) | ~np.array([c.met for c in path.certificates]))
    assert all(c.met for c in path.certificates)


@pytest.mark.parametrize("top", [150, 300, 600, 1000])
def test_an_exposure_given_without_its_logarithm(top: float) -> None:
    """The null model of Poisson has a closed form: b = log Σ y − log Σ e^offset."""
    rng = np.random.default_rng(2)
    X, exposure = rng.normal(size=(200, 3)), rng.uniform(1, top, size=200)
    y = rng.poisson(0.01 * exposure * np.exp(0.3 * X[:, 0])).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        path = taut.fit_path(X, y, loss="poisson", offset=exposure, lambdas=4)
    b = np.log(y.sum()) - logsumexp(exposure)
    assert path.null_loss == pytest.approx(np.mean(np.exp(exposure + b) - y * (exposure + b)), rel=1e-9)
    assert path.intercepts[0] == pytest.approx(b, rel=1e-9)
    assert all(c.met for c in path.certificates)


@pytest.mark.parametrize("c", [50.0, 365.0, 700.0, 800.0])
def test_a_constant_offset_moves_the_intercept_alone(c: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(0.3 * X[:, 0] + 1), 200).astype(float)
    plain = taut.fit_path(X, y, loss="poisson", lambdas=[0.05], tol=1e-10)
    path = taut.fit_path(X, y, loss="poisson", offset=np.full(200, c), lambdas=[0.05], tol=1e-10)
    np.testing.assert_allclose(path.coefs, plain.coefs, atol=1e-5)
    assert path.intercepts[0] + c == pytest.approx(plain.intercepts[0], abs=1e-5)


# ---- what has no minimum, and what is nearly so -------------------------------------------------------------


@pytest.mark.parametrize("loss", ["logistic", "poisson", "multinomial"])
def test_what_has_no_minimum_is_not_met(loss: str) -> None:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(40, 3))
    y = np.where(X[:, 0] > 0, 1.0, 0.0)
    X[:, 0] = np.where(y > 0, np.abs(X[:, 0]), -1.0) if loss != "poisson" else np.where(y > 0, 0.0, 1.0)
    free = taut.fit_path(X, y, loss=loss, penalty=L1(factors=[0, 1, 1]), lambdas=[0.05, 0.0])
    for certificate in free.certificates:
        assert certificate.note.startswith("does not exist")
        assert not certificate.met
    assert "use lam > 0" not in free.certificates[0].note


def test_one_row_with_nearly_all_the_weight() -> None:
    """λ_max by its definition, from deviations from the heavy row."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    for ratio in (1e6, 1e10, 1e13):
        w = np.ones(40)
        w[0] = ratio
        y = X @ [1, -2, 0.5] + 0.1 * rng.normal(size=40)
        s, xc, yc = w / w.sum(), X - X[0], y - y[0]
        Z = xc - s @ xc
        g = 2 * np.abs((s * (yc - s @ yc)) @ Z) / np.sqrt(s @ Z**2) / np.sqrt(s @ (yc - s @ yc) ** 2)
        assert taut.fit_path(X, y, sample_weight=w, lambdas=3).lambdas[0] == pytest.approx(g.max(), rel=1e-2)


# ---- within a second ----------------------------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("loss", "penalty", "shape"),
    [
        ("logistic", L1(factors=[0, 1, 1, 1, 1, 1]), (200, 6)),
        ("multinomial", L1(factors=[0, 0, 1, 1, 1, 1], lower=0), (200, 6)),
        ("poisson", ElasticNet(1, 0.5, 0.25, factors=[0] * 5 + [1] * 65, lower=-0.5), (10, 70)),
    ],
)
def test_unpenalised_columns_take_few_steps(loss: str, penalty: Penalty, shape: tuple[int, int]) -> None:
    """Newton's steps are counted, not seconds: some per strength."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape)
    y = responses(X[:, 0], rng)[loss]
    path = taut.fit_path(X, y, loss=loss, penalty=penalty, lambdas=50)
    assert all(c.met for c in path.certificates)
    assert path.iterations is not None
    assert path.iterations.sum() <= 50 * 8


def test_certificates_of_any_point_hold_for_every_loss() -> None:
    """At random points, far from any solution, the number bounds what is lost; outside a box it is infinite."""
    rng = np.random.default_rng(11)
    losses: list[Loss] = [SquaredError(), Logistic(), Multinomial(), Poisson(), Huber(0.3)]
    for loss in losses:
        X = rng.normal(size=(50, 4))
        y = responses(X[:, 0], rng)[type(loss).__name__.lower().replace("error", "")]
        problem = LinearProblem(as_matrix(X), y, np.ones(50), loss, L1(upper=0.4), tol=1e-8)
        path = taut.fit_path(X, y, loss=loss, penalty=L1(upper=0.4), lambdas=[0.05], tol=1e-8)
        best, shape = path.objectives[0], path.coefs[0].shape
        unit = path.null_loss - path.saturated_loss
        for _ in range(10):
            coef, b = np.minimum(0.2 * rng.normal(size=shape), 0.3), 0.2 * rng.normal(size=shape[1:])
            found: Certificate = certify_point(problem, np.ones(50), 0.05, coef, b)
            F = _objective(loss, X, y, coef, b, 0.05)
            assert F - best <= (found.value + 1e-9) * unit
        assert certify_point(problem, np.ones(50), 0.05, np.full(shape, 0.5), b).value == np.inf


def _objective(loss: Loss, X: Float, y: Float, coef: Float, b: Float, lam: float) -> float:
    """F by hand, standardised."""
    scale = X.std(axis=0)
    y_center, y_scale = (y.mean(), y.std()) if isinstance(loss, SquaredError | Huber) else (0.0, 1.0)
    eta = (X @ coef + b - y_center) / y_scale
    charge = lam * np.abs((coef.T * scale).T / y_scale).sum()
    return float(loss.value(eta, (y - y_center) / y_scale)) + float(charge)


def test_a_fold_without_the_heavy_row_has_its_own_digits() -> None:
    """Its moments are those of all rows less the heavy one's: what is left of them is rounding, and X is read."""
    rng = np.random.default_rng(6)
    X, w = rng.normal(size=(60, 4)), np.ones(60)
    y, w[0] = X[:, 0] + 0.1 * rng.normal(size=60), 1e10
    rest, folds = np.arange(30, 60), [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 60))]
    options: dict[str, Any] = {"lambdas": [0.1, 0.001], "tol": 1e-9}
    fold = taut.cross_validate(X, y, sample_weight=w, cv=folds, **options).paths[1]
    alone = taut.fit_path(X[rest], y[rest], **options)
    np.testing.assert_allclose(fold.objectives, alone.objectives, rtol=1e-8)
