"""Two hundred and forty random problems against R glmnet: families, weights, factors, limits, sparse and dense."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import scipy.sparse as sp

import taut
from tests.references.r_glmnet import RFit, RProblem, glmnet_batch

FAMILIES = {"gaussian": "squared", "binomial": "logistic", "poisson": "poisson", "multinomial": "multinomial"}
COUNT = 240
FOUND = 55
"""Problems of each family, of 60, on which glmnet reaches thresh = 1e-20 at least: 220 in all."""
WORST = 1e-6


def draw(seed: int) -> RProblem:
    """A problem of correlated columns; every option is drawn, each family gets its turn."""
    rng = np.random.default_rng(seed)
    family = list(FAMILIES)[seed % len(FAMILIES)]
    n, p = int(rng.integers(40, 90)), int(rng.choice([4, 9, 20, 30 if family == "multinomial" else 60]))
    X = rng.normal(size=(n, p)) + 0.7 * rng.normal(size=(n, 1))
    sparse = bool(rng.random() < 0.4)
    if sparse:
        X *= rng.random((n, p)) < 0.35
    X *= rng.choice([0.3, 1.0, 4.0], size=p)
    weights = rng.uniform(0.2, 3.0, n) if rng.random() < 0.5 else np.ones(n)
    factors = rng.choice([0.5, 1.0, 2.0], p) if rng.random() < 0.5 else np.ones(p)
    if (
        rng.random() < 0.3 and family != "multinomial"
    ):  # of a softmax without penalty only differences are determined
        factors[rng.integers(p)] = 0.0
    limited = bool(rng.random() < 0.4)
    lower = (
        np.where(rng.random(p) < 0.5, -rng.uniform(0, 0.4, p), -np.inf) if limited else np.full(p, -np.inf)
    )
    upper = (
        np.where(rng.random(p) < 0.5, rng.uniform(0.05, 0.4, p), np.inf) if limited else np.full(p, np.inf)
    )
    intercept = bool(rng.random() < 0.75) or family == "multinomial"
    alpha = float(rng.choice([1.0, 0.7, 0.3]))
    y = respond(family, X / (1e-9 + X.std(axis=0)), rng)
    # Without an intercept the two scale columns differently: glmnet by the deviation from a mean it does not remove.
    standardize = intercept and bool(rng.random() < 0.6)
    problem = RProblem(
        X, y, np.ones(1), family, alpha, weights, factors, lower, upper, intercept, standardize, sparse
    )  # fmt: skip
    return problem._replace(lambdas=theirs(problem, largest(problem) * np.array([0.6, 0.15, 0.04])))


def respond(family: str, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    eta = X[:, :3] @ np.array([0.8, -0.6, 0.4])
    if family == "gaussian":
        return 3.0 * eta + rng.normal(size=len(X)) + 2.0
    if family == "binomial":
        return (eta + rng.logistic(size=len(X)) > 0).astype(float)
    if family == "poisson":
        return rng.poisson(np.exp(np.clip(0.4 * eta, -3, 3) + 0.3)).astype(float)
    classes = np.column_stack([eta, -eta, np.zeros(len(X))]) + rng.gumbel(size=(len(X), 3))
    return np.argmax(classes, axis=1).astype(float)


def scale_of(problem: RProblem) -> float:
    """sd(y) about its mean, or root mean square without an intercept: what glmnet divides a gaussian y by."""
    if problem.family != "gaussian":
        return 1.0
    share = problem.weights / problem.weights.sum()
    center = share @ problem.y if problem.intercept else 0.0
    return float(np.sqrt(share @ (problem.y - center) ** 2))


def theirs(problem: RProblem, lambdas: np.ndarray) -> np.ndarray:
    """glmnet's lambda: its penalty factors are rescaled to sum to p, its squared error has a ½ and is in units of y."""
    own = lambdas * problem.factors.mean()
    if problem.family != "gaussian":
        return own
    return own / 2 * (scale_of(problem) if problem.standardize else 1.0)


def largest(problem: RProblem) -> float:
    return float(ours_path(problem, 1).lambdas[0])


def ours_path(problem: RProblem, lambdas: object, tol: float = 1e-3) -> taut.Path:
    ridge = (1 - problem.alpha) / 2
    if problem.family == "gaussian" and not problem.standardize:
        ridge /= scale_of(problem)  # on y as given glmnet's squared term is in units of sd(y)
    factors = problem.factors
    shape = taut.ElasticNet(
        1.0, problem.alpha, ridge, factors=factors, lower=problem.lower, upper=problem.upper
    )
    X = sp.csc_array(problem.X) if problem.sparse else problem.X
    return taut.fit_path(
        X, problem.y, loss=FAMILIES[problem.family], penalty=shape, lambdas=lambdas, tol=tol,
        sample_weight=problem.weights, fit_intercept=problem.intercept, standardize=problem.standardize,
    )  # fmt: skip


@cache
def batch() -> tuple[list[RProblem], list[RFit | None]]:
    problems = [draw(seed) for seed in range(COUNT)]
    return problems, glmnet_batch(problems)


@pytest.mark.sampled("multinomial")
@pytest.mark.parametrize("family", FAMILIES)
def test_random_problems_have_glmnets_coefficients(family):
    problems, fits = batch()
    worst: dict[int, float] = {}
    for seed, (problem, reference) in enumerate(zip(problems, fits, strict=True)):
        if problem.family == family and reference is not None:
            lambdas = problem.lambdas / theirs(problem, np.ones(1))
            worst[seed] = difference(problem, ours_path(problem, lambdas, 1e-14), reference)
    print(family, f"worst {max(worst.values()):.2e} of {len(worst)}")
    assert len(worst) >= FOUND
    assert {seed: value for seed, value in worst.items() if value > WORST} == {}


def difference(problem: RProblem, path: taut.Path, reference: RFit) -> float:
    """Largest difference of coefficients per standard deviation of their column, over the largest such coefficient."""
    spread = problem.X.std(axis=0)
    shape = (-1, *[1] * (path.coefs.ndim - 2))
    ours, glmnets = (coefs * spread.reshape(shape) for coefs in (path.coefs, reference.coefs))
    constants = [values - values.mean(axis=1, keepdims=True) if values.ndim == 2 else values
                 for values in (path.intercepts, reference.intercepts)]  # fmt: skip
    scale = max(np.abs(glmnets).max(), np.abs(constants[1]).max())
    return float(max(np.abs(ours - glmnets).max(), np.abs(constants[0] - constants[1]).max()) / scale)


def test_the_draw_covers_every_option():
    problems, _ = batch()
    for family in FAMILIES:
        own = [problem for problem in problems if problem.family == family]
        assert sum(problem.sparse for problem in own) >= 10
        assert sum((problem.weights != 1).any() for problem in own) >= 15
        assert sum((problem.factors != 1).any() for problem in own) >= 15
        assert sum(np.isfinite(problem.upper).any() for problem in own) >= 10
        assert {problem.standardize for problem in own} == {True, False}
        assert max(problem.X.shape[1] for problem in own) >= 30
