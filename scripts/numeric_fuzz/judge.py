"""What is asked of an answer: an honest certificate, a solved problem where it says so, finite numbers within their boxes."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scripts.numeric_fuzz.bound import distances
from scripts.numeric_fuzz.calls import Finding
from scripts.numeric_fuzz.existence import attained
from scripts.numeric_fuzz.extended import Double, HuberLoss, Long
from scripts.numeric_fuzz.problems import Problem
from scripts.numeric_fuzz.reference import Found, better, minimised, narrowed
from scripts.numeric_fuzz.scaled import EPS, Scaled, Task

CURVATURE_SCALED = True
"""Whether MCP and SCAD measure their knots in the loss's curvature: Ω = c·p(w; λ/c, γ), c as in ``curvature_of``."""
TOLD = 1e-8
"""How far a told loss or penalty may be off, as a part of the null model's loss above the saturated one."""
FAR = 25.0
"""|η| up to which a likelihood's minimum is no more than near."""


def curvature_of(problem: Problem) -> float:
    """c: 2 for squared and Huber losses, which carry no ½, 2/q with q outputs, 1 for likelihoods."""
    if not CURVATURE_SCALED or problem.loss not in ("squared", "huber"):
        return 1.0
    return 2.0 / problem.outputs


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
        return minimised(task, [self.start()], 1e-16 * size)

    @cached_property
    def size(self) -> float:
        """Of the losses that a unit is the difference of."""
        with np.errstate(all="ignore"):
            zero = np.zeros(self.scaled.null_task.shape, dtype=np.longdouble)
            begin = abs(float(self.scaled.null_task.data_loss(zero)))
        begin = begin if np.isfinite(begin) else 0.0
        return (abs(float(self.null.value)) + abs(self.saturated) + begin) or 1.0

    @cached_property
    def unit(self) -> float:
        """Null loss minus saturated loss, or where that is rounding the size of the losses themselves."""
        difference = float(self.null.value) - self.saturated
        return difference if difference > 1e-12 * self.size else self.size

    @cached_property
    def pull(self) -> float:
        """max|∇L| at the null model over the coordinates that are charged for."""
        return float(self._null_pull.max(initial=0.0))

    @cached_property
    def _null_pull(self) -> Double:
        with np.errstate(all="ignore"):
            gradient = np.abs(self.scaled.task(0.0).gradient(self.null.theta)).astype(np.float64)
        return np.where(self.scaled.charged[:, None], gradient, 0.0)

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
            free = task.unpenalised if task.concave is None else ~self.scaled.charged
            self._exists[penalised] = attained(task, free, self.problem.loss)
        return self._exists[penalised]

    def wanted(self) -> float:
        """A gap of the reference that is small beside what is judged."""
        return max(1e-3 * self.problem.tol * self.unit, 1e-15 * self.size)

    def best(self, lam: float, answer: Long | None = None) -> Found:
        """The lowest F known at ``lam``; descended to from ``answer``, too, where that may be lower."""
        task = self.scaled.task(lam)
        if lam not in self.known:
            near = [known for known in sorted(self.known) if known > lam][:1]
            starts = [self.known[known].theta for known in near] + [self.null.theta, self.start()]
            self.known[lam] = minimised(task, starts, self.wanted())
            if self.known[lam].gap > self.wanted() and isinstance(task.loss, HuberLoss):
                start = narrowed(task, starts[0])
                self.known[lam] = better(self.known[lam], minimised(task, [start], self.wanted()))
        known = self.known[lam]
        if answer is not None and known.gap > self.wanted():
            self.known[lam] = better(known, minimised(task, [answer], self.wanted()))
        return self.known[lam]


class Answer(NamedTuple):
    """One strength of a path as it was told."""

    lam: float
    coef: Double
    intercept: Double
    loss: float
    penalty: float
    value: float
    tol: float
    note: str

    @property
    def met(self) -> bool:
        """Whether it claims to be solved."""
        return self.value <= self.tol

    @property
    def claims_none(self) -> bool:
        """Whether it says that there is no solution."""
        return "does not exist" in self.note


def answers(path: Any) -> list[Answer]:
    """Every strength of a path."""
    return [
        Answer(
            float(lam),
            coef,
            intercept,
            float(loss),
            float(penalty),
            float(one.value),
            float(one.tol),
            one.note,
        )
        for lam, coef, intercept, loss, penalty, one in zip(
            path.lambdas,
            path.coefs,
            path.intercepts,
            path.losses,
            path.penalties,
            path.certificates,
            strict=True,
        )
    ]


def judged(case: Case, path: Any) -> list[Finding]:
    """What is wrong with a path."""
    with np.errstate(all="ignore"):
        found = of_null(case, path)
        for answer in answers(path):
            found += [Finding(kind, f"λ {answer.lam:.6g}: {text}") for kind, text in of_answer(case, answer)]
    return found


def of_null(case: Case, path: Any) -> list[Finding]:
    """The null model's and the saturated loss, and where a grid begins."""
    told, best, found = float(path.null_loss), case.null, []
    exists = attained(case.scaled.null_task, case.scaled.null_task.unpenalised, case.problem.loss)
    slack = 1e-6 * case.unit + 1e-12 * case.size
    if not np.isfinite([told, path.saturated_loss]).all():
        found.append(Finding("not finite", f"null loss {told}, saturated loss {path.saturated_loss}"))
    elif exists and not best.bound - slack <= told <= float(best.value) + slack:
        found.append(Finding("null loss", f"told {told:.10g}, right {float(best.value):.10g}"))
    elif abs(path.saturated_loss - case.saturated) > slack:
        found.append(
            Finding("saturated loss", f"told {path.saturated_loss:.10g}, right {case.saturated:.10g}")
        )
    if isinstance(case.problem.shares, int) and exists and case.problem.shape.kind != "l2":
        top, first = case.top, float(path.lambdas[0])
        rounding = 1e-9 * case.size / case.unit
        if case.unit < case.size and top > 0 and abs(first / top - 1) > 1e-5 + rounding:
            found.append(Finding("largest λ", f"told {first:.8g}, right {top:.8g}"))
    return found


def of_answer(case: Case, answer: Answer) -> list[Finding]:
    """What is wrong at one strength."""
    numbers = [answer.coef, answer.intercept, answer.loss, answer.penalty, answer.value]
    if not all(np.isfinite(part).all() for part in numbers):
        names = [n for n, part in zip(("coef", "intercept", "loss", "penalty", "certificate"), numbers, strict=True)
                 if not np.isfinite(part).all()]  # fmt: skip
        return [Finding("not finite", ", ".join(names))]
    found = of_places(case, answer)
    exists = case.exists(answer.lam)
    point = Point(case, answer)
    if exists is not False:
        found += point.told()
    if exists is False:
        return found + of_no_minimum(answer)
    if exists and answer.claims_none and np.abs(case.best(answer.lam).theta).max(initial=0) < FAR:
        eta = case.scaled.task(answer.lam).eta(case.best(answer.lam).theta)
        if np.abs(eta - case.scaled.base).max() < FAR:
            found.append(
                Finding("existence denied", f"the minimum exists, |η| ≤ {float(np.abs(eta).max()):.3g}")
            )
    if exists is None:
        return found
    if answer.lam == 0:
        return found + point.unpenalised()
    return found + (point.gap() if case.problem.shape.convex else point.stationary())


def of_no_minimum(answer: Answer) -> list[Finding]:
    """The note must say so, and nothing is met."""
    if answer.claims_none and not answer.met:
        return []
    return [Finding("no minimum", f"met {answer.met} ({answer.value:.1e}), note {answer.note[:30]!r}")]


def of_places(case: Case, answer: Answer) -> list[Finding]:
    """Boxes, excluded and constant columns, no intercept where none was asked for."""
    shape, found = case.problem.shape, []
    coef = answer.coef.reshape(case.problem.X.shape[1], -1)
    for name, sign in (("lower", -1.0), ("upper", 1.0)):
        edge = getattr(shape, name)
        if edge is None:
            continue
        beyond = (
            sign * (coef - edge[:, None]) - 4 * EPS * np.abs(np.where(np.isfinite(edge), edge, 0.0))[:, None]
        )
        if beyond.max() > 0:
            found.append(Finding("box", f"{beyond.max():.2g} beyond its {name} bound"))
    if shape.factors is not None and np.any(coef[np.isinf(shape.factors)]):
        found.append(Finding("excluded", "a column of factor ∞ has a coefficient"))
    constant = np.abs(coef[case.scaled.constant])
    if constant.max(initial=0.0) > 0:
        found.append(Finding("constant column", f"has a coefficient of {constant.max():.3g}"))
    if not case.problem.fit_intercept and np.any(answer.intercept):
        found.append(Finding("intercept", "there is one where none was asked for"))
    return found


class Point:
    """A told answer on F's scale."""

    def __init__(self, case: Case, answer: Answer) -> None:
        self.case, self.answer = case, answer
        scaled = case.scaled
        self.task: Task = scaled.task(answer.lam)
        self.theta = scaled.snapped(self.task, scaled.point(answer.coef, answer.intercept))
        self.eta = scaled.eta(answer.coef, answer.intercept)
        values = scaled.loss.value(self.eta, scaled.y)
        self.loss, self.penalty = scaled.s @ values, self.task.penalty(self.theta)
        self.off = scaled.eta_rounding(answer.coef, answer.intercept)
        self.slack = self._slack()

    def _slack(self) -> float:
        """What rounding of the told coefficients and of sums in double precision may do to F."""
        scaled = self.case.scaled
        slope, bend = scaled.loss.slope(self.eta, scaled.y), scaled.loss.bend(self.eta, scaled.y)
        moved = np.sum(np.abs(slope) * self.off + bend * self.off**2 / 2, axis=1)
        sums = scaled.s @ (moved + 64 * EPS * scaled.loss.terms(self.eta, scaled.y))
        charge = 16 * EPS * abs(self.penalty)
        if self.case.problem.penalize_intercept:
            charge = charge + self.answer.lam * self.case.problem.shape.first * self.off.max()
        return float(sums + charge + 1e-17 * self.case.size)

    def told(self) -> list[Finding]:
        """The two terms of F."""
        found, allowed = [], TOLD * self.case.unit + 10 * self.slack
        for name, told, right in (
            ("told loss", self.answer.loss, self.loss), ("told penalty", self.answer.penalty, self.penalty),
        ):  # fmt: skip
            if not abs(float(np.longdouble(told) - right)) <= allowed + TOLD * abs(float(right)):
                found.append(Finding(name, f"told {told:.10g}, right {float(right):.10g}"))
        return found

    def excess(self) -> float:
        """F above the lowest known."""
        best = self.case.best(self.answer.lam, self.theta)
        return float(self.loss + self.penalty - best.value)

    def gap(self) -> list[Finding]:
        """A duality gap bounds F − min F, and what is met is solved."""
        unit, excess, answer = self.case.unit, self.excess(), self.answer
        allowed = answer.value * unit * (1 + 1e-9) + self.slack
        if excess <= allowed:
            return []
        text = f"certificate {answer.value:.2e}, right at least {excess / unit:.2e}"
        solved = excess <= answer.tol * unit + self.slack
        return [Finding("optimistic" if solved or not answer.met else "not solved", text)]

    def stationary(self) -> list[Finding]:
        """The distance to the subdifferential is the largest of all coordinates, relative to the null model's pull."""
        distance, rounding = self._distances()
        pull = self.case.pull
        if not pull > 1e-9 * self.case.row_size:
            return []
        right = float(np.max(distance - rounding, initial=0.0)) / pull
        if right <= self.answer.value * (1 + 1e-6) + 1e-13:
            return []
        kind = "not stationary" if self.answer.met and right > self.answer.tol else "optimistic distance"
        return [Finding(kind, f"certificate {self.answer.value:.2e}, right at least {right:.2e}")]

    def _distances(self) -> tuple[Long, Long]:
        """Distances to the subdifferential, and what rounding of η may do to them."""
        scaled, task = self.case.scaled, self.task
        slope = scaled.loss.slope(self.eta, scaled.y)
        gradient = task.A.T @ (task.s[:, None] * slope)
        off = scaled.loss.bend(self.eta, scaled.y) * self.off + 16 * EPS * np.abs(slope)
        rounding = np.abs(task.A).T @ (task.s[:, None] * off)
        distance = np.where(task.fixed[:, None], 0, distances(task, self.theta, gradient))
        return distance, 2 * rounding

    def unpenalised(self) -> list[Finding]:
        """At λ = 0 the gradient, on columns of unit norm, is as small as it is said to be, and what is met is solved."""
        distance, rounding = self._distances()
        norm = np.sqrt(self.task.s @ self.task.A**2)[:, None]
        relative = np.maximum(distance - rounding, 0) / np.where(norm > 0, norm, 1)
        right, found = float(relative.max(initial=0.0)) / self.case.row_size, []
        if right > 10 * self.answer.value + 1e-12:
            found.append(Finding("gradient", f"certificate {self.answer.value:.2e}, right {right:.2e}"))
        excess = self.excess()
        if self.answer.met and excess > self.answer.tol * self.case.unit + self.slack:
            found.append(Finding("λ = 0 not solved", f"certificate {self.answer.value:.2e}, F above the minimum by "
                                 f"{excess / self.case.unit:.2e}"))  # fmt: skip
        return found
