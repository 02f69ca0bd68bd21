"""How networks are trained: the numbers of the mini-batch phase and of the full-batch finish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from taut.messages import written
from taut.options import TrainingOptions


@dataclass(frozen=True)
class Training:
    """Settings of proximal Adam along a path of strengths.

    Parameters
    ----------
    max_epochs : passes over the rows per strength; the first strength of the walk, which starts from random
        weights, gets ``first_factor`` times as many. 0 leaves everything to the full-batch finish.
    batch_size : rows per step; None takes 32 below 1,000 rows, 64 below 20,000 and 128 from there.
    learning_rate : Adam's η; within each strength it decays geometrically to ``final_rate``·η.
    patience, min_decrease : a strength is left when F fell by less than ``min_decrease`` (relative) in
        ``patience`` epochs running.
    beta1, beta2, epsilon : decay of Adam's moments and the guard of its denominator (Kingma and Ba, ICLR
        2015).
    first_scale : factor on the scheme's first weights; small first weights begin near the linear model.
    finish_iterations, finish_tol : bound on the full-batch iterations per strength (None: 5, and 2 from 20,000 rows,
        where each costs as much as an epoch), and the stationarity residual, relative to the gradient at the null model,
        at which they stop.
    restarts : walks from different first weights; at each strength the one of lowest F is kept.
    linear_wins : a network that stays above the null model this many strengths running is given up; one that is
        clearly below the linear solution so often is no longer compared with it.
    """

    max_epochs: int = 20
    batch_size: int | None = None
    learning_rate: float = 1e-2
    final_rate: float = 0.1
    first_factor: int = 10
    patience: int = 3
    min_decrease: float = 3e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    first_scale: float = 0.3
    finish_iterations: int | None = None
    finish_tol: float = 1e-5
    linear_wins: int = 3
    restarts: int = 1

    def __post_init__(self) -> None:
        for name in ("max_epochs", "batch_size", "finish_iterations", "restarts"):
            value = getattr(self, name)
            _require(name, value is None or isinstance(value, Integral), value, "a whole number")
        _require("learning_rate", isinstance(self.learning_rate, Real), self.learning_rate, "a number")
        _require("max_epochs", self.max_epochs >= 0, self.max_epochs, "at least 0")
        finish = self.finish_iterations
        _require("finish_iterations", finish is None or finish >= 0, finish, "at least 0, or None")
        for name in ("first_factor", "patience", "linear_wins", "restarts"):
            _require(name, getattr(self, name) >= 1, getattr(self, name), "at least 1")
        for name in ("learning_rate", "final_rate", "epsilon", "finish_tol", "first_scale"):
            _require(name, getattr(self, name) > 0, getattr(self, name), "greater than 0")
        for name in ("beta1", "beta2"):
            _require(name, 0 <= getattr(self, name) < 1, getattr(self, name), "in [0, 1)")
        size = self.batch_size
        _require("batch_size", size is None or size >= 1, size, "at least 1, or None")

    def with_options(self, **given: Unpack[TrainingOptions]) -> Training:
        """These settings with the options that are given, and not None, put in their place."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]

    def epochs(self, first: bool) -> int:
        """How many epochs a strength may take."""
        return self.max_epochs * (self.first_factor if first else 1)

    def rates(self, epochs: int) -> NDArray[np.float64]:
        """The learning rate in each of ``epochs``."""
        share = np.arange(epochs) / max(1, epochs - 1)
        return np.asarray(self.learning_rate * self.final_rate**share)

    def finish_steps(self, n: int) -> int:
        """The bound on the full-batch iterations for ``n`` rows."""
        if self.finish_iterations is not None:
            return self.finish_iterations
        return 5 if n < 20_000 else 2

    def rows_per_step(self, n: int) -> int:
        """The mini-batch size for ``n`` rows."""
        if self.batch_size is not None:
            return min(self.batch_size, n)
        return min(n, 32 if n < 1_000 else 64 if n < 20_000 else 128)


def _require(name: str, good: bool, value: object, wanted: str) -> None:
    if not good:
        raise ValueError(f"{name} = {written(value)}: it must be {wanted}")
