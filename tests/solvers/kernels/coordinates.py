"""Small quadratic problems, drawn at random."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from taut.solvers._kernels import quadratic

Float = NDArray[np.float64]
INF = float("inf")


class Small(NamedTuple):
    """min ½‖Aw − b‖² + Σρ(w) with its products and a table (4, m) of l1, l2, lower, upper."""

    A: Float
    b: Float
    rho: Float

    @property
    def H(self) -> Float:
        return np.ascontiguousarray(self.A.T @ self.A)

    @property
    def c(self) -> Float:
        return self.A.T @ self.b

    @property
    def bb(self) -> float:
        return float(self.b @ self.b)

    def q(self, w: Float) -> Float:
        return self.c - self.H @ w

    def objective(self, w: Float, knee: float = 0.0, flat: float = INF) -> float:
        rows = zip(w, *self.rho[:2], strict=True)
        residual = self.A @ w - self.b
        penalty = sum(quadratic.magnitude(x, l1, l2, knee, flat) for x, l1, l2 in rows if x != 0.0)
        return 0.5 * float(residual @ residual) + penalty


def small(rng: np.random.Generator, rows: int = 12, m: int = 5, boxed: bool = True) -> Small:
    A = rng.normal(size=(rows, m)) @ (np.eye(m) + 0.4 * rng.normal(size=(m, m)))
    rho = np.empty((4, m))
    rho[0] = rng.choice([0.0, 0.5, 2.0], size=m)
    rho[1] = np.where(rho[0] == 0.0, 0.7, rng.choice([0.0, 0.3], size=m))
    rho[2] = rng.choice([-INF, -0.4, 0.0], size=m) if boxed else -INF
    rho[3] = rng.choice([INF, 0.4, 0.0], size=m, p=[0.5, 0.3, 0.2]) if boxed else INF
    return Small(A, rng.normal(size=rows) * 2.0, rho)


def inside(rng: np.random.Generator, problem: Small) -> Float:
    w = rng.normal(size=problem.c.size) * (rng.uniform(size=problem.c.size) < 0.7)
    return np.clip(w, problem.rho[2], problem.rho[3])


seeds = st.integers(0, 2**32 - 1)


KNOTS = {"quadratic": (0.0, INF), "MCP": (0.0, 3.0), "SCAD": (1.0, 3.7), "SCAD, c = 2": (0.5, 1.85)}
