"""The engines of ridge agree on wide data."""

from __future__ import annotations

import numpy as np
import pytest

from taut.losses import Logistic, Loss, SquaredError
from taut.penalties import L2
from taut.solvers.newton.parts import independent_parts
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.ridge.rotated_solver import RotatedRidge
from tests.solvers.problems import problem_of, response, table


@pytest.mark.parametrize("loss", [SquaredError(), Logistic()], ids=repr)
def test_ridge_engines_agree_on_wide_data(loss: Loss) -> None:
    X, eta, s = table(2, 30, 50)
    problem = problem_of(X, response(loss, eta), s, loss, L2(), tol=1e-12)
    # Far below, tol = 1e-12 no longer holds the coefficients to 1e-6.
    grid = float(RotatedRidge().paths(problem, s[None], 1)[0].lambdas[0]) * np.geomspace(1.0, 1e-2, 5)
    rotated, plain = (
        e.paths(problem, s[None], grid)[0] for e in (RotatedRidge(), ProximalNewton(independent_parts))
    )
    np.testing.assert_allclose(rotated.coefs, plain.coefs, atol=1e-6 * np.abs(plain.coefs).max())
