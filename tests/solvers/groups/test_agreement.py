"""Steps by groups and by blocks agree with the proximal gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.penalties import GroupLasso
from taut.solvers.first_order.proximal_gradient import ProximalGradient
from taut.solvers.groups.descent_solver import GroupDescent
from taut.solvers.groups.newton_parts import group_parts
from taut.solvers.newton.solver import ProximalNewton
from tests.solvers.problems import problem_of, response, table


@pytest.mark.parametrize("shape", [(60, 8), (30, 60)])
def test_block_descent_agrees_with_the_proximal_gradient(shape: tuple[int, int]) -> None:
    """With groups of several sizes, free columns, a constant column, a column twice and rows without weight."""
    X, y, s = table(6, *shape)
    s[::7] = 0.0
    X[:, 5], X[:, 6] = 3.0, X[:, 7]
    penalty = GroupLasso(groups=np.array([-1, 0, 0, 1, *[2 + j // 3 for j in range(shape[1] - 4)]]))
    problem = problem_of(X, y, s, SquaredError(), penalty, tol=1e-11)
    found, plain = (
        e.paths(problem, s[None], 6)[0] for e in (GroupDescent(), ProximalGradient(max_iter=100_000))
    )
    assert all(c.met for c in (*found.certificates, *plain.certificates))
    np.testing.assert_allclose(found.coefs, plain.coefs, atol=1e-5 * np.abs(plain.coefs).max())


def group_cases() -> list[tuple[Loss, int, dict[str, Any]]]:
    """Loss, outputs, options."""
    return [
        (SquaredError(), 1, {}), (SquaredError(), 3, {}), (Huber(), 1, {}), (Huber(), 3, {}), (Poisson(), 1, {}),
        (Poisson(), 1, {"penalize_intercept": True}), (Logistic(), 1, {}), (Logistic(), 1, {"fit_intercept": False}),
        (Logistic(), 1, {"offset": np.linspace(-1.0, 1.0, 60)}), (Multinomial(), 1, {}),
    ]  # fmt: skip


@pytest.mark.sampled(without="Huber")
@pytest.mark.parametrize(("loss", "outputs", "options"), group_cases(), ids=repr)
def test_steps_by_groups_agree_with_the_proximal_gradient(
    loss: Loss, outputs: int, options: dict[str, Any]
) -> None:
    """F to 1e-9 and predictors to 1e-3, with groups of several sizes, a free column, a constant, a column twice."""
    X, eta, s = table(6)
    s[::7] = 0.0
    X[:, 5], X[:, 6] = 3.0, X[:, 7]
    y = response(loss, eta)
    y = np.column_stack([y, y[::-1], X[:, 0] - y]) if outputs > 1 else y
    penalty = GroupLasso(groups=np.array([-1, 0, 0, 1, 2, 2, 2, 3]))
    problem = problem_of(X, y, s, loss, penalty, **({"tol": 1e-9} | options))
    found, plain = (
        e.paths(problem, s[None], 5)[0]
        for e in (ProximalNewton(group_parts), ProximalGradient(max_iter=100_000))
    )
    assert all(c.met for c in (*found.certificates, *plain.certificates))
    F = [path.data_losses + path.penalties for path in (found, plain)]
    np.testing.assert_allclose(F[0], F[1], atol=3e-9)
    etas = [np.tensordot(path.coefs, X, (1, 1)) for path in (found, plain)]
    if not isinstance(loss, Multinomial):
        np.testing.assert_allclose(etas[0], etas[1], atol=1e-3 * np.abs(etas[1]).max())
