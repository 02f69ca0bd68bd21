"""Softmax paths: against the proximal gradient, to the last digits, separated classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import taut
from taut.losses import Multinomial
from taut.penalties import L1, L2, Penalty
from taut.solvers.first_order.proximal_gradient import ProximalGradient
from taut.solvers.newton.parts import softmax_parts
from taut.solvers.newton.small_solver import SmallNewton
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.problem.certificate import relative_gap
from taut.solvers.problem.scaling import scale_problem
from tests.solvers.problems import ENET, problem_of, response, table


def softmax_cases() -> list[tuple[Penalty, dict[str, Any]]]:
    free = [0.0, *[1.0] * 7]
    return [
        (L1(), {}), (L1(), {"fit_intercept": False}), (ENET, {}), (L2(), {}), (L1(lower=-0.2, upper=0.3), {}),
        (L1(factors=free), {}), (L1(factors=free, lower=-0.2, upper=0.3), {}), (ENET, {"penalize_intercept": True}),
        (L1(factors=[np.inf, *[1.0] * 7]), {"offset": np.linspace(-1.0, 1.0, 180).reshape(60, 3)}),
    ]  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("penalty", "options"), softmax_cases(), ids=repr)
def test_softmax_paths_agree_with_the_proximal_gradient(penalty: Penalty, options: dict[str, Any]) -> None:
    """F to 1e-9 and probabilities to 1e-5: classes that move together may leave coefficients a choice."""
    X, eta, s = table(3)
    s[::7] = 0.0
    X[:, 5], X[:, 6] = 3.0, X[:, 7]  # a constant, and a column twice
    problem = problem_of(
        X, response(Multinomial(), eta), s, Multinomial(), penalty, **({"tol": 1e-9} | options)
    )
    everywhere = penalty.factors is None or 0.0 not in penalty.factors
    engines = [ProximalGradient(), ProximalNewton(softmax_parts), *[SmallNewton()] * everywhere]
    plain, *others = (e.paths(problem, s[None], 5)[0] for e in engines)
    for found in others:
        assert all(c.met for c in found.certificates)
        F = [path.data_losses + path.penalties for path in (found, plain)]
        np.testing.assert_allclose(F[0], F[1], atol=3e-9)
        p = [Multinomial().inverse_link(X @ path.coefs + path.intercepts[:, None]) for path in (found, plain)]
        np.testing.assert_allclose(p[0], p[1], atol=1e-4)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("classes", [2, 4, 5])
@pytest.mark.parametrize("penalty", [L1(), ENET], ids=repr)
def test_small_tables_of_classes_to_the_last_digits(classes: int, penalty: Penalty) -> None:
    """Far down, where an even number of classes leaves flat directions; the certificate is that of its coefficients."""
    rng = np.random.default_rng(classes)
    X, s = rng.normal(size=(60, 6)), rng.uniform(0.2, 2.0, size=60)
    y = (
        (X @ rng.normal(size=(6, classes)) + 2.0 * rng.gumbel(size=(60, classes)))
        .argmax(axis=1)
        .astype(float)
    )
    problem = problem_of(X, y, s, Multinomial(), penalty, tol=1e-12)
    lambdas = np.geomspace(0.3, 1e-4, 20)
    small, large = (
        e.paths(problem, s[None], lambdas)[0] for e in (SmallNewton(), ProximalNewton(softmax_parts))
    )
    scaled = scale_problem(problem, s)
    for lam, coef, one in zip(lambdas, small.standardized_coefs, small.certificates, strict=True):
        state = scaled.polish(scaled.state(coef, np.zeros(classes)))
        assert one.met
        assert relative_gap(scaled, lam, state) <= one.value + 1e-14
    F = [path.data_losses + path.penalties for path in (small, large)]
    np.testing.assert_allclose(F[0], F[1], atol=1e-11)


def test_exact_hessians_converge_quadratically() -> None:
    """Six more digits cost a step or two; a Hessian that is kept pays for every digit."""
    X, eta, s = table(3)
    y = response(Multinomial(), eta)
    steps = [
        SmallNewton()
        .paths(problem_of(X, y, s, Multinomial(), L1(), tol=tol), s[None], 30)[0]
        .iterations.sum()
        for tol in (1e-6, 1e-12)
    ]
    assert steps[1] - steps[0] <= 2 * 30


def test_a_fold_without_one_of_the_classes() -> None:
    """Its probability goes to zero with no coefficient's help; all else is the path of the other classes."""
    X, eta, _ = table(3)
    y = response(Multinomial(), eta)
    weights = np.stack([np.ones(60), (y != 2).astype(float)])
    problem = problem_of(X, y, weights[0], Multinomial(), L1(), tol=1e-8)
    lambdas = [0.1, 0.03, 0.01]
    whole, fold = SmallNewton().paths(problem, weights, lambdas)
    assert all(c.met for c in whole.certificates)
    # Its intercept has no optimum, which the note says; the others' gap is met all the same.
    assert all(c.value <= c.tol and not c.met for c in fold.certificates)
    assert all(c.note.startswith("does not exist") for c in fold.certificates)
    two = problem_of(X[y != 2], y[y != 2], np.ones(int((y != 2).sum())), Multinomial(), L1(), tol=1e-8)
    alone = SmallNewton().paths(two, two.weight[None], lambdas)[0]
    np.testing.assert_allclose(fold.data_losses, alone.data_losses, atol=1e-6)


def test_softmax_paths_of_separated_classes_and_many_columns() -> None:
    """Few rows, many columns, sparse and dense: the same path, certified down to a hundredth of lambda_max."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(40, 300)) * (rng.random((40, 300)) < 0.5)
    y = np.arange(40.0) % 4
    X[:, :4] += 3.0 * np.eye(4)[y.astype(int)]
    paths = []
    for store in (np.asarray, sp.csc_array):
        problem = problem_of(store(X), y, np.ones(40), Multinomial(), L1(), tol=1e-9)
        paths.append(ProximalNewton(softmax_parts).paths(problem, np.ones((1, 40)), 10)[0])
        assert all(c.met for c in paths[-1].certificates)
    np.testing.assert_allclose(paths[0].data_losses, paths[1].data_losses, atol=1e-7)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("solver", "tol"),
    [
        ("small-newton", 1e-12),
        ("small-newton", 1e-6),
        ("softmax", 1e-12),
        ("working-set", 1e-12),
        ("newton", 1e-12),
    ],
)
def test_classes_that_separate_are_certified(solver: str, tol: float) -> None:
    """Where the loss itself becomes small its rounding does not: neither may it turn a good step back."""
    for seed, n, p in ((10, 49, 38), (23, 13, 29), (27, 12, 29)):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((n, p)), rng.integers(0, 3 if solver == "softmax" else 2, n)
        loss = (
            "multinomial" if solver == "softmax" or (solver == "small-newton" and seed == 23) else "logistic"
        )
        path = taut.fit_path(X, y, loss=loss, solver=solver, tol=tol, lambdas=np.geomspace(0.3, 1e-5, 40))
        assert all(certificate.met for certificate in path.certificates)
