"""Problems whose solutions are known, and solving them for the judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scripts.numeric_fuzz.problems import Problem, Shape

SEED, PER_TEST = 20, 30
FOUND = [
    (11, 10363), (12, 1626), (12, 1907), (14, 1093), (14, 1183), (14, 1743), (14, 2891), (14, 3347), (14, 5053), (14, 5286),
    (14, 6478), (14, 6818), (14, 9823), (14, 12028), (21, 762), (21, 1314), (31, 2374), (32, 2376),
]  # fmt: skip
"""Seeds and numbers of problems that were findings of long runs, one of each kind."""


HADAMARD = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
TARGET = HADAMARD @ np.array([2.0, -0.3, 0.05]) + 7.0
RNG = np.random.default_rng(0)
TALL = RNG.normal(size=(30, 4)) * [1.0, 1e3, 1e-3, 1.0] + [0.0, 5e3, 0.0, 1.0]


def problem(loss: str, shape: Shape, X: Any = HADAMARD, y: Any = TARGET, **options: Any) -> Problem:
    return replace(Problem(np.asarray(X), np.asarray(y), loss, shape, standardize=False), **options)


PLAIN = problem(
    "squared", Shape("l1", 1.0, factors=np.array([1.0, 0.0, 1.0, 1.0]), upper=np.array([np.inf, np.inf, 2e3, np.inf])),
    RNG.normal(size=(30, 4)) * [1.0, 10.0, 1e-3, 1.0], None, standardize=True, tol=1e-8,
)  # fmt: skip
PLAIN = replace(PLAIN, y=PLAIN.X @ [1.0, 0.1, 3e3, 0.0] + RNG.normal(size=30))
