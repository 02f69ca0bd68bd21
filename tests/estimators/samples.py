"""The rows of these tests, and a quick choice."""

from __future__ import annotations

import numpy as np

from tests.agreement import table

DATA = table()
X, N, P = DATA.X, len(DATA.y), DATA.X.shape[1]
QUICK = {"cv": 4, "lambdas": np.geomspace(0.5, 5e-3, 8), "random_state": 0}
