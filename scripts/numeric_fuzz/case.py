"""A problem as the judge sees it: null model, unit of a gap, λ_max, and the minimum at every strength, by the reference."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from scripts.numeric_fuzz.existence import attained
from scripts.numeric_fuzz.extended import Double, HuberLoss, Long
from scripts.numeric_fuzz.problems import Problem
from scripts.numeric_fuzz.reference import Found, better, minimised, narrowed, weakened
from scripts.numeric_fuzz.scaled import Scaled, Task

CURVATURE_SCALED = True
"""Whether MCP and SCAD measure their knots in the loss's curvature: Ω = c·p(w; λ/c, γ), c as in ``curvature_of``."""


def curvature_of(problem: Problem) -> float:
    """c: 2 for squared and Huber losses, which carry no ½, 2/q with q outputs, 1 for likelihoods."""
    if not CURVATURE_SCALED or problem.loss not in ("squared", "huber"):
        return 1.0
    return 2.0 / problem.outputs


NULL_GAP = 1e-9
"""Part of the losses up to which a null model's gap needs no further steps."""


class Case:
    """A problem with one vector of row weights: null model, unit, minimum at every strength, all by the reference."""

    def __init__(self, problem: Problem, weight: Double | None = None) -> None:
        self.problem = problem
        self.scaled = Scaled(problem, curvature_of(problem), weight)
        self.known: dict[float, Found] = {}
        self._exists: dict[bool, bool | None] = {}
        with np.errstate(all="ignore"):
            saturated = self.scaled.s @ self.scaled.loss.saturated(self.scaled.y)
        self.saturated = float(saturated)

    def start(self) -> Long:
        """All zero but an intercept of counts, which has a closed form: log Σ s y − log Σ s e^o."""
        theta = np.zeros(self.scaled.null_task.shape, dtype=np.longdouble)
        task = self.scaled.null_task
        if (
            self.problem.loss == "poisson"
            and self.problem.fit_intercept
            and not self.problem.penalize_intercept
        ):
            with np.errstate(all="ignore"):
                shift = task.base.max()
                total = shift + np.log(task.s @ np.exp(task.base - shift)[:, 0])
                mean = task.s @ task.y[:, 0]
                theta[-1] = np.log(mean) - total if mean > 0 else -total - 40
        return theta

    @cached_property
    def null(self) -> Found:
        """The model of the intercept and the columns that nothing is charged for."""
        task = self.scaled.null_task
        with np.errstate(all="ignore"):
            size = float(abs(task.objective(self.start())))
        found = minimised(task, [self.start()], 1e-16 * size)
        if found.gap <= NULL_GAP * size or not self.null_exists:
            return found
        # Wide offsets saturate rows, and steps are short: more of them, from where they have led.
        return better(found, minimised(task, [found.theta], 1e-16 * size, rounds=30))

    @property
    def null_proved(self) -> bool:
        """Whether the null model, which units are taken from, is known to be one."""
        return self.null.gap <= 100 * NULL_GAP * self.size

    @cached_property
    def null_exists(self) -> bool | None:
        """Whether the null model has a minimum."""
        return attained(self.scaled.null_task, self.scaled.null_task.unpenalized, self.problem.loss)

    @cached_property
    def size(self) -> float:
        """Of the losses that a unit is the difference of; where η is in y's units, that of the offset alone, too."""
        zero = np.zeros(self.scaled.null_task.shape, dtype=np.longdouble)
        begin = abs(float(self.scaled.null_task.data_loss(zero))) if self.scaled.scales_y else 0.0
        return (abs(float(self.null.value)) + abs(self.saturated) + begin) or 1.0

    @cached_property
    def unit(self) -> float:
        """Null loss minus saturated loss, or where that is rounding the size of the losses themselves."""
        difference = float(self.null.value) - self.saturated
        return difference if difference > 1e-12 * self.size else self.size

    @cached_property
    def pull(self) -> float:
        """max|∇L| at the null model over the coordinates that are charged for and not excluded."""
        return float(self._null_pull.max(initial=0.0))

    @cached_property
    def _null_pull(self) -> Double:
        with np.errstate(all="ignore"):
            gradient = np.abs(self.scaled.task(0.0).gradient(self.null.theta)).astype(np.float64)
        task = self.scaled.task(1.0)
        counted = ((task.first > 0) | (task.second > 0)) & ~self.scaled.excluded
        for index, _ in task.groups:
            counted[index] = True
        return np.where(counted[:, None], gradient, 0.0)

    @cached_property
    def top(self) -> float:
        """λ_max, from which on nothing charged for is used; for L2 alone a strength that leaves little."""
        task = self.scaled.task(1.0)
        with np.errstate(all="ignore"):
            gradient = self.scaled.task(0.0).gradient(self.null.theta)
        if self.problem.shape.kind == "l2":
            return 10.0 * self.pull / self.problem.shape.second
        largest = [float(np.sqrt(np.sum(gradient[index] ** 2)) / c) for index, c in task.groups]
        room = np.where(gradient < 0, task.upper[:, None], -task.lower[:, None]) > 0
        first = np.broadcast_to(task.first[:, None], gradient.shape)
        held = room & (first > 0)
        largest += (np.abs(gradient[held]) / first[held]).astype(float).tolist()
        return max(largest, default=0.0)

    @cached_property
    def row_size(self) -> float:
        """Root mean square of the rows' slopes with nothing fitted and at the null model: of what gradients are sums."""
        task, sizes = self.scaled.task(0.0), []
        with np.errstate(all="ignore"):
            for theta in (np.zeros_like(self.null.theta), self.null.theta):
                slope = task.loss.slope(task.eta(theta), task.y)
                sizes.append(float(np.sqrt(task.s @ np.sum(slope**2, axis=1))))
        return max((size for size in sizes if np.isfinite(size)), default=0.0) or 1.0

    def lambdas(self) -> list[float] | int:
        """The strengths of the problem's shares, to six digits, or their number."""
        shares = self.problem.shares
        if isinstance(shares, int):
            return shares
        top = self.top if np.isfinite(self.top) and self.pull > 1e-12 * self.row_size else 1.0
        return sorted({float(f"{share * top:.6g}") for share in shares}, reverse=True)

    def exists(self, lam: float) -> bool | None:
        """Whether a minimum exists at ``lam``: along what is charged for it always does."""
        penalised = lam > 0
        if penalised not in self._exists:
            task = self.scaled.task(lam)
            free = task.unpenalized if task.concave is None else ~self.scaled.charged
            self._exists[penalised] = attained(task, free, self.problem.loss)
        return self._exists[penalised]

    def wanted(self) -> float:
        """A gap of the reference that is small beside what is judged."""
        return max(1e-3 * self.problem.tol * self.unit, 1e-15 * self.size)

    def best(self, lam: float, answer: Long | None = None) -> Found:
        """The lowest F known at ``lam``, descended to from ``answer``, too, unless what is known is proved to be lowest."""
        task, wanted = self.scaled.task(lam), self.wanted()
        found = self.known.get(lam)
        if answer is not None and (found is None or found.gap > wanted):
            polished = minimised(task, [answer], wanted, rounds=1)
            found = polished if found is None else better(found, polished)
        if lam not in self.known and (found is None or found.gap > wanted):
            searched = self._searched(task, lam)
            found = searched if found is None else better(found, searched)
        assert found is not None
        self.known[lam] = found
        return found

    def _searched(self, task: Task, lam: float) -> Found:
        """From the next larger strength, then from the null model, then from an easier problem that becomes this one."""
        wanted = self.wanted()
        near = min((known for known in self.known if known > lam), default=None)
        start = self.null.theta if near is None else self.known[near].theta
        found = minimised(task, [start, self.start()], wanted, rounds=3)
        if found.gap > wanted and isinstance(task.loss, HuberLoss):
            return better(found, minimised(task, [narrowed(task, start)], wanted))
        if found.gap > wanted and lam > 0:
            tasks = [self.scaled.task(factor * lam) for factor in (1e3, 100.0, 30.0, 10.0, 3.0)]
            return better(found, minimised(task, [weakened(tasks, start)], wanted))
        return found
