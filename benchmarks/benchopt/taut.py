"""taut as a solver of benchopt's lasso benchmark: put this file into its ``solvers`` folder and run ``benchopt run . -s taut``
(the commands are in benchmarks/README.md).

The objective there is ½‖y − Xβ‖² + λ‖β‖₁, a sum over the rows without an intercept (or with one): taut's λ is 2λ/n on the
data as given. benchopt asks for ever smaller tolerances; a thousandth of each is the relative duality gap that taut is held to,
for benchopt stops where two tolerances in a row give the same objective, which loose gaps do.
https://benchopt.github.io, https://github.com/benchopt/benchmark_lasso
"""

from __future__ import annotations

from typing import Any

import numpy as np
from benchopt import BaseSolver

import taut

TIGHTEST = 1e-14


class Solver(BaseSolver):  # type: ignore[misc]
    """One strength of a path, from nothing."""

    name = "taut"
    sampling_strategy = "tolerance"
    install_cmd = "conda"
    requirements = ("pip:taut",)
    references = ("taut: regularization paths with certificates",)

    def set_objective(self, X: Any, y: Any, lmbd: float, fit_intercept: bool) -> None:
        """Keep the problem."""
        self.X, self.y, self.fit_intercept = X, np.asarray(y), fit_intercept
        self.lam = 2.0 * lmbd / len(self.y)

    def warm_up(self) -> None:
        """Compile, which is not timed."""
        self.run(1e-2)

    def run(self, tolerance: float) -> None:
        """Solve to a relative duality gap of ``tolerance``."""
        path = taut.fit_path(
            self.X, self.y, lambdas=[self.lam], fit_intercept=self.fit_intercept, standardize=False,
            tol=max(1e-3 * min(tolerance, 1.0), TIGHTEST),
        )  # fmt: skip
        self.beta, self.intercept = path.coefs[0], path.intercepts[0]

    def get_result(self) -> dict[str, Any]:
        """The coefficients, with the intercept last where there is one."""
        beta = self.beta
        return {"beta": np.append(beta, self.intercept) if self.fit_intercept else beta}
