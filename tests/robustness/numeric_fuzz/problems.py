"""Problems whose solutions are known, and solving them for the judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scripts.numeric_fuzz.problems import Problem, Shape

SEED, PER_TEST = 20, 30


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
