"""Concave penalties by their tangents: one output or several, each on its own."""

from __future__ import annotations

import numpy as np
import pytest

import taut


def problem(outputs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(outputs)
    X = rng.normal(size=(80, 12)) * rng.uniform(0.1, 10.0, 12)
    truth = np.zeros((12, outputs))
    truth[rng.permutation(12)[:4]] = rng.normal(size=(4, outputs)) * 2.0
    return X, X @ truth * rng.uniform(0.5, 20.0, outputs) + rng.normal(size=(80, outputs))


@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize("standardize", [True, False])
def test_several_outputs_are_solved_as_coordinate_descent_solves_them(loss: str, standardize: bool) -> None:
    X, y = problem(3)
    options = {"penalty": taut.MCP(1.0), "loss": loss, "standardize": standardize, "tol": 1e-8}
    with np.errstate(all="raise", under="ignore"):
        own = taut.fit_path(X, y, lambdas=8, solver="majorization", **options)
    other = taut.fit_path(X, y, lambdas=own.lambdas, solver="newton", **options)
    assert all(certificate.met for certificate in own.certificates)
    # Stationary points of a concave problem may differ; down a path from the null model both follow the same one.
    np.testing.assert_allclose(own.objectives, other.objectives, rtol=1e-6)
    np.testing.assert_allclose(own.coefs, other.coefs, atol=1e-5 * np.abs(other.coefs).max())


def test_coupled_classes_are_refused() -> None:
    X, y = problem(3)
    with pytest.raises(TypeError, match="outputs on their own"):
        taut.fit_path(X, y.argmax(axis=1), loss="multinomial", penalty=taut.MCP(1.0), solver="majorization")
