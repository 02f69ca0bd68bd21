"""What is asked of an answer: an honest certificate, a solved problem where it says so, finite numbers within their boxes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scripts.numeric_fuzz.bound import distances
from scripts.numeric_fuzz.calls import Finding
from scripts.numeric_fuzz.case import Case
from scripts.numeric_fuzz.dependence import made_dependent
from scripts.numeric_fuzz.extended import Double, Long
from scripts.numeric_fuzz.reference import minimised
from scripts.numeric_fuzz.scaled import EPS, Task

TOLD = 1e-8
"""How far a told loss or penalty may be off, as a part of the null model's loss above the saturated one."""
FAR = 25.0
"""|η| up to which a likelihood's minimum is no more than near."""


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
    met: bool
    unit: float
    """The null loss less the saturated one as they were told: what a gap was told relative to."""

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
            bool(one.met),
            float(path.null_loss - path.saturated_loss),
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


def judged(case: Case, path: Any, own_grid: bool = True) -> list[Finding]:
    """What is wrong with a path; ``own_grid``: its strengths, where they were a number, are those of this problem."""
    with np.errstate(all="ignore"):
        found = of_null(case, path)
        if own_grid:
            found += of_grid(case, path)
        for answer in answers(path):
            found += [Finding(kind, f"λ {answer.lam:.6g}: {text}") for kind, text in of_answer(case, answer)]
    return found


def of_null(case: Case, path: Any) -> list[Finding]:
    """The null model's and the saturated loss; a null model that is said not to be solved may be above the minimum."""
    told, best, found = float(path.null_loss), case.null, []
    slack = 1e-6 * case.unit + 1e-12 * case.size
    if not np.isfinite([told, path.saturated_loss]).all():
        found.append(Finding("not finite", f"null loss {told}, saturated loss {path.saturated_loss}"))
    elif case.null_exists and not best.bound - slack <= told <= highest_null(case, path, slack) + slack:
        found.append(Finding("null loss", f"told {told:.10g}, right {float(best.value):.10g}"))
    elif abs(path.saturated_loss - case.saturated) > slack:
        found.append(
            Finding("saturated loss", f"told {path.saturated_loss:.10g}, right {case.saturated:.10g}")
        )
    return found


def highest_null(case: Case, path: Any, slack: float) -> float:
    """How large the told null loss may be: the reference's, or without what dependent columns gain by the data's rounding.

    Any where the largest strength, whose solution begins with the null model, is said not to be solved.
    """
    best, told = float(case.null.value), float(path.null_loss)
    if told <= best + slack:
        return best
    if not path.certificates[0].met:
        return told
    bare = made_dependent(case.scaled.null_task)
    return (
        best if bare is None else float(minimised(bare, [case.null.theta, case.start()], case.wanted()).value)
    )


def of_grid(case: Case, path: Any) -> list[Finding]:
    """A grid begins at λ_max."""
    top, first = case.top, float(path.lambdas[0])
    if not isinstance(case.problem.shares, int) or case.problem.shape.kind == "l2":
        return []
    plain = top > 0 and case.pull > 1e-9 * case.row_size and case.unit < case.size
    if not plain or not case.null_exists or case.null.gap > 1e-12 * case.unit:
        return []  # a null model that is not proved proves no λ_max
    if abs(first / top - 1) <= 1e-5 + 1e-12 * case.row_size / case.pull + 1e-9 * case.size / case.unit:
        return []
    return [Finding("largest λ", f"told {first:.8g}, right {top:.8g}")]


def of_answer(case: Case, answer: Answer) -> list[Finding]:
    """What is wrong at one strength."""
    numbers = {
        "coef": answer.coef,
        "intercept": answer.intercept,
        "loss": answer.loss,
        "penalty": answer.penalty,
    }
    exists = case.exists(answer.lam)
    if not (exists is False and answer.value == np.inf):
        numbers["certificate"] = answer.value
    bad = [name for name, part in numbers.items() if not np.isfinite(part).all()]
    if bad:
        return [Finding("not finite", ", ".join(bad))]
    found = of_places(case, answer)
    point = Point(case, answer)
    if exists is not False:
        found += point.told()
    if exists is False:
        return found + of_no_minimum(answer)
    if exists and answer.claims_none and (case.problem.shape.convex or answer.lam == 0):
        found += of_existence(case, answer)
    if exists is None:
        return found
    if answer.lam == 0:
        return found + point.unpenalized()
    return found + (point.gap() if case.problem.shape.convex else point.stationary())


def of_existence(case: Case, answer: Answer) -> list[Finding]:
    """A minimum that is not even far may not be denied."""
    task, best = case.scaled.task(answer.lam), case.best(answer.lam)
    moved = task.eta(best.theta) - task.base
    far = float(np.ptp(moved, axis=1).max() if moved.shape[1] > 1 else np.abs(moved).max())
    return [Finding("existence denied", f"there is a minimum, with |η| ≤ {far:.3g}")] if far < FAR else []


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
        level = self._level()
        return float(sums + charge + level + 1e-17 * self.case.size + 16 * EPS * self.case.unit)

    def _level(self) -> float:
        """Of losses of classes: log Σ e^η is rounded as a number near one is, and in a dual value v log v of a probability.

        v, a difference from an observed share, has an absolute rounding of ε, so that v log v has one of ε|log v|.
        """
        scaled = self.case.scaled
        if self.case.problem.loss not in ("logistic", "multinomial"):
            return 0.0
        binary = self.case.problem.loss == "logistic"
        eta = np.concatenate([self.eta, np.zeros_like(self.eta)], axis=1) if binary else self.eta
        below = eta.max(axis=1) - eta.min(axis=1)
        return float(EPS * (4 + scaled.s @ np.minimum(below, 36)))

    def told(self) -> list[Finding]:
        """The two terms of F; a tenth of the tolerance is what moments may use up."""
        found, allowed = [], (TOLD + 0.1 * self.answer.tol) * self.case.unit + 10 * self.slack
        for name, told, right in (
            ("told loss", self.answer.loss, self.loss), ("told penalty", self.answer.penalty, self.penalty),
        ):  # fmt: skip
            if not abs(float(np.longdouble(told) - right)) <= allowed + TOLD * abs(float(right)):
                found.append(Finding(name, f"told {told:.10g}, right {float(right):.10g}"))
        return found

    def excess(self, allowed: float) -> float:
        """F above the lowest known, or where that is too much, above what it is without the rounding of dependent columns."""
        best = self.case.best(self.answer.lam, self.theta)
        excess = float(self.loss + self.penalty - best.value)
        task = made_dependent(self.task) if excess > allowed else None
        if task is None:
            return excess
        lowest = minimised(task, [self.theta], self.case.wanted())
        return float(self.loss + self.penalty - lowest.value)

    def gap(self) -> list[Finding]:
        """A duality gap bounds F − min F, and what is met is solved."""
        unit, answer = self.case.unit, self.answer
        allowed = answer.value * max(unit, answer.unit) * (1 + 1e-9) + self.slack
        excess = self.excess(allowed)
        if excess <= allowed:
            return []
        text = f"certificate {answer.value:.2e}, right at least {excess / unit:.2e}"
        solved = excess <= answer.tol * unit + self.slack
        return [Finding("optimistic" if solved or not answer.met else "not solved", text)]

    def stationary(self) -> list[Finding]:
        """The distance to the subdifferential is the largest of all coordinates, relative to the null model's pull.

        Up to 1e-10, which the rounding of what is returned in the units of the data may cost, and four roundings of a
        column's mean in units of its deviation: a gradient is a sum over the column as it was given.
        """
        distance, rounding = self._distances()
        pull = self.case.pull
        if not pull > 1e-9 * self.case.row_size or not self.case.null_proved:
            return []
        right = float(np.max((distance - rounding) / self._lengths(), initial=0.0)) / pull
        far = float(np.max(np.abs(self.case.scaled.center) / self.case.scaled.scale, initial=0.0))
        sums = 4 * EPS * far * max(1.0, self.case.row_size / pull)
        if right <= self.answer.value * (1 + 1e-6) + 1e-10 + sums:
            return []
        kind = "not stationary" if self.answer.met and right > self.answer.tol else "optimistic distance"
        return [Finding(kind, f"certificate {self.answer.value:.2e}, right at least {right:.2e}")]

    def _lengths(self) -> Double:
        """One for what is charged for; at least one, and a column's root mean square, where units are nobody's business."""
        size = np.sqrt(self.task.s @ self.task.A**2).astype(np.float64)
        return np.where(self.case.scaled.charged, 1.0, np.maximum(size, 1.0))[:, None]

    def _distances(self) -> tuple[Long, Long]:
        """Distances to the subdifferential, and what rounding of η may do to them."""
        scaled, task = self.case.scaled, self.task
        slope = scaled.loss.slope(self.eta, scaled.y)
        gradient = task.A.T @ (task.s[:, None] * slope)
        off = scaled.loss.bend(self.eta, scaled.y) * self.off + 16 * EPS * np.abs(slope)
        rounding = np.abs(task.A).T @ (task.s[:, None] * off)
        distance = np.where(task.fixed[:, None], 0, distances(task, self.theta, gradient))
        return distance, 16 * rounding

    def unpenalized(self) -> list[Finding]:
        """At λ = 0 the gradient, on columns of unit norm, is as small as it is said to be, and what is met is solved."""
        distance, rounding = self._distances()
        norm = np.sqrt(self.task.s @ self.task.A**2)[:, None]
        relative = np.maximum(distance - rounding, 0) / np.where(norm > 0, norm, 1)
        right, found = float(relative.max(initial=0.0)) / self.case.row_size, []
        if right > 10 * self.answer.value + 1e-12:
            found.append(Finding("gradient", f"certificate {self.answer.value:.2e}, right {right:.2e}"))
        allowed = self.answer.tol * self.case.unit + self.slack
        excess = self.excess(allowed) if self.answer.met else 0.0
        if excess > allowed:
            found.append(Finding("λ = 0 not solved", f"certificate {self.answer.value:.2e}, F above the minimum by "
                                 f"{excess / self.case.unit:.2e}"))  # fmt: skip
        return found
