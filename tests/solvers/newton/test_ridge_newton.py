"""Ridges of classes by conjugate gradients: the minimum that other engines find, on every kind of table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import taut
from taut.path import PathSpec, fit_paths
from taut.types import Float


def table(n: int, p: int, classes: int, seed: int = 0) -> tuple[Float, Float]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.uniform(size=(n, p)) < 0.3) + rng.uniform(0, 3, p)
    y = (X[:, :classes] + rng.gumbel(size=(n, classes))).argmax(axis=1)
    return X, y.astype(float)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("shape", [(90, 12), (40, 70)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fit_intercept": False},
        {"standardize": False},
        {"penalize_biases": True},
        {"offset": True},
        {"factors": True},
    ],
    ids=str,
)
def test_the_minimum_is_that_of_other_engines(
    classes: int, shape: tuple[int, int], options: dict[str, Any]
) -> None:
    X, y = table(*shape, classes)
    given = dict(options)
    rng = np.random.default_rng(1)
    if given.pop("offset", False):
        given["offset"] = rng.standard_normal(len(y))
    factors = rng.uniform(0.5, 2.0, shape[1]) if given.pop("factors", False) else 1.0
    given |= {"loss": "logistic" if classes == 2 else "multinomial", "penalty": taut.L2(factors=factors)}
    given |= {
        "lambdas": np.geomspace(1.0, 1e-4, 8),
        "tol": 1e-11,
        "sample_weight": rng.integers(0, 3, len(y)),
    }
    found = taut.fit_path(X, y, solver="ridge-newton", **given)
    other = taut.fit_path(X, y, solver="newton" if classes == 2 else "softmax", **given)
    assert all(certificate.met for certificate in found.certificates)
    np.testing.assert_allclose(found.objectives, other.objectives, rtol=1e-9)
    sparse = taut.fit_path(sp.csr_array(X), y, solver="ridge-newton", **given)
    # F curves by at least 2λ·½: of two points within a gap of its minimum the squared distance is at most 8 gaps / λ.
    most = 8.0 * given["tol"] * (found.null_loss - found.saturated_loss) / found.lambdas
    for path in (other, sparse):
        apart = (path.standardized_coefs - found.standardized_coefs).reshape(len(most), -1)
        assert (np.sum(apart**2, axis=1) <= most).all()


def test_classes_that_are_told_apart_are_solved_to_the_weakest_strength() -> None:
    rng = np.random.default_rng(0)
    X = sp.random_array((200, 900), density=0.02, rng=rng, format="csr")
    y = (X.sum(axis=1) > np.median(X.sum(axis=1))).astype(float)
    path = taut.fit_path(X, y, loss="logistic", penalty="l2")
    assert all(certificate.met for certificate in path.certificates)
    assert path.deviance_explained[-1] > 0.98
    assert int(path.iterations.sum()) < 250


def test_a_bound_on_the_iterations_leaves_a_certificate_that_says_so() -> None:
    X, y = table(90, 12, 2)
    spec = PathSpec(taut.losses.Logistic(), taut.L2(), solver="ridge-newton", tol=1e-13, max_iter=1)
    path = fit_paths(spec, X, y, np.ones((1, 90)), [1e-6])[0]
    assert not path.certificates[0].met
    assert path.certificates[0].note
