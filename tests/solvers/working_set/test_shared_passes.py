"""Folds that walk side by side: the same paths as one after the other, for a share of the passes over X."""

from __future__ import annotations

import numpy as np
import pytest

from taut.losses import Logistic, Loss, Multinomial
from taut.penalties import L1, GroupLasso, Penalty
from taut.solvers.base import LinearProblem, Solver
from taut.solvers.groups.newton_parts import group_parts
from taut.solvers.matrix import DenseMatrix, as_matrix
from taut.solvers.newton.parts import softmax_parts
from taut.solvers.newton.solver import ProximalNewton


@pytest.mark.parametrize(
    ("engine", "loss", "penalty"),
    [
        (ProximalNewton(softmax_parts), Multinomial(), L1()),
        (ProximalNewton(group_parts), Logistic(), GroupLasso(groups=np.arange(40) // 4)),
    ],
    ids=["softmax", "groups"],
)
def test_folds_share_their_passes(
    engine: Solver, loss: Loss, penalty: Penalty, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(7)
    X = rng.normal(size=(50, 40))
    y = (X[:, 0] + X[:, 5] + rng.normal(size=50) > 0).astype(float) + (X[:, 9] > 1) * (loss == Multinomial())
    problem = LinearProblem(as_matrix(X), y, np.ones(50), loss, penalty, tol=1e-10)
    weights = np.ones((4, 50))
    for fold in range(1, 4):
        weights[fold, fold::5] = 0.0
    passes: list[tuple[int, ...]] = []
    plain = DenseMatrix.transpose_dot

    def counted(self: DenseMatrix, residual: np.ndarray) -> np.ndarray:
        passes.append(residual.shape)
        return plain(self, residual)

    monkeypatch.setattr(DenseMatrix, "transpose_dot", counted)
    together = engine.paths(problem, weights, 8)
    shared = len(passes)
    alone = [engine.paths(problem, weight[None], together[0].lambdas)[0] for weight in weights]
    assert shared < 0.6 * (len(passes) - shared)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.coefs, other.coefs, atol=1e-6)
        assert all(certificate.met for certificate in one.certificates)
