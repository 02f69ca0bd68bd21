"""The minimum of a ``Task`` in extended precision: Newton steps on what is not held at a kink or a bound, checked by F alone.

Gradients and F are long doubles, directions doubles: an inexact Newton method whose fixed points have long double's
digits. A step goes through the orthant and the box that it starts in and is projected on them (Bertsekas 1982, *SIAM J.
Control and Optimization* 20); where the quadratic promises too much it is damped (Levenberg and Marquardt), and where groups
enter or leave, blocks take proximal steps in turn. Whatever it returns, F there is an upper bound of the minimum; how
near, ``bound.lower_bound`` says.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scripts.numeric_fuzz.bound import lower_bound
from scripts.numeric_fuzz.extended import Double, HuberLoss, Long
from scripts.numeric_fuzz.scaled import Task

DAMPING = (1e-15, 1e-11, 1e-8, 1e-5, 1e-3, 1e-1, 1e1, 1e3, 1e5, 1e7, 1e9)
"""Parts of the largest eigenvalue that are added to the Hessian, tried in turn where a step disappoints."""
SMALL = np.longdouble(1e-18)


class Found(NamedTuple):
    """A point, F there, and a lower bound of the minimum (−inf where none was computed)."""

    theta: Long
    value: np.longdouble
    bound: float

    @property
    def gap(self) -> float:
        """How far F is above the bound."""
        return float(self.value - np.longdouble(self.bound))


def minimised(task: Task, starts: list[Long], wanted: float, rounds: int = 4) -> Found:
    """The best of the descents from ``starts``, one after the other until the gap is below ``wanted``."""
    best: Found | None = None
    with np.errstate(all="ignore"):
        for start in starts:
            theta = task.clipped(start)
            theta = np.where(np.isfinite(theta), theta, 0)
            if not np.isfinite(task.objective(theta)):
                continue
            found = _refined(task, theta, wanted, rounds)
            best = found if best is None else better(best, found)
            if best.gap <= wanted:
                break
    if best is None:
        zero = np.zeros(task.shape, dtype=np.longdouble)
        return Found(zero, task.objective(zero), -np.inf)
    return best


def better(one: Found, other: Found) -> Found:
    """The lower point with the higher bound."""
    lower = one if one.value <= other.value else other
    return Found(lower.theta, lower.value, max(one.bound, other.bound))


def narrowed(task: Task, theta: Long) -> Long:
    """Where descents lead while the δ of a Huber loss comes down to its own: each starts where the last has ended."""
    assert isinstance(task.loss, HuberLoss)
    with np.errstate(all="ignore"):
        for factor in (1e4, 1e3, 300.0, 100.0, 30.0, 10.0, 5.0, 2.5, 1.5):
            theta = newton(replace(task, loss=HuberLoss(task.loss.delta * factor)), theta, 20)
    return theta


def weakened(tasks: list[Task], theta: Long) -> Long:
    """Where descents lead while the strength comes down."""
    with np.errstate(all="ignore"):
        for task in tasks:
            theta = newton(task, swept(task, theta, 1) if task.groups else theta, 20)
    return theta


def _refined(task: Task, theta: Long, wanted: float, rounds: int) -> Found:
    """Newton steps, and where the gap stays open sweeps of proximal steps between them."""
    bound = -np.inf
    for turn in range(rounds):
        if turn or _groups_enter(task, theta):
            theta = swept(task, theta, max(1, 5 * turn))
        theta = newton(task, theta, 30)
        bound = max(bound, lower_bound(task, theta)) if task.concave is None else bound
        value = task.objective(theta)
        if value - np.longdouble(bound) <= wanted or task.concave is not None:
            break
    return Found(theta, value, bound)


def _groups_enter(task: Task, theta: Long) -> bool:
    """Whether a group at zero is pulled out of its ball."""
    if not task.groups:
        return False
    gradient = task.gradient(theta)
    return any(
        not theta[index].any() and np.sqrt(np.sum(gradient[index] ** 2)) > c for index, c in task.groups
    )


def newton(task: Task, theta: Long, steps: int) -> Long:
    """Damped, projected Newton steps while F falls, then a few while the gradient does."""
    value = task.objective(theta)
    for _ in range(steps):
        move = Move(task, theta)
        if not move.active.any():
            return theta
        best, promised = move.best(value)
        if best is None:
            break
        fall, (value, theta) = value - best[0], best
        if fall <= SMALL * abs(value) and promised <= SMALL * abs(value):
            break
    return _settled(task, theta, value)


def _settled(task: Task, theta: Long, value: np.longdouble) -> Long:
    """Undamped steps that change F by no more than its rounding and each promise less than the one before."""
    move, promised = Move(task, theta), np.inf
    for _ in range(4):
        if not move.active.any():
            break
        point, promise = move.last()
        if not promise < min(promised, 1e-14 * abs(value)) or task.objective(point) > value + 4 * SMALL * abs(
            value
        ):
            break
        after = Move(task, point)
        if np.abs(after.pull).max() >= np.abs(move.pull).max():
            break
        theta, move, promised = point, after, promise
    return theta


class Move:
    """The quadratic model at a point, on the coordinates that may move, by its eigenvalues."""

    def __init__(self, task: Task, theta: Long) -> None:
        self.task, self.theta = task, theta
        eta = task.eta(theta)
        gradient = (
            task.A.T @ (task.s[:, None] * task.loss.slope(eta, task.y)) + 2 * task.second[:, None] * theta
        )
        self.pull, self.side = self._least(gradient)
        self.active = self.pull != 0
        self.active |= (theta != 0) & ~self._held(theta, gradient) & ~task.fixed[:, None]
        self._eta = eta

    def _held(self, theta: Long, gradient: Long) -> NDArray[np.bool_]:
        lower, upper = self.task.lower[:, None], self.task.upper[:, None]
        return (theta <= lower) | (theta >= upper)

    def _least(self, gradient: Long) -> tuple[Long, Long]:
        """The subgradient of least norm, and the orthant in which a step is taken (0: any sign)."""
        task, theta = self.task, self.theta
        first = np.broadcast_to(task.first[:, None], theta.shape)
        side = np.sign(theta)
        pull = np.where(side != 0, gradient + side * first, gradient - np.clip(gradient, -first, first))
        side = np.where(first == 0, 0, np.where(side != 0, side, -np.sign(pull)))
        for index, c in task.groups:
            norm = np.sqrt(np.sum(theta[index] ** 2))
            # A group at zero leaves it by a proximal step, not here.
            pull[index] = gradient[index] + c * theta[index] / norm if norm > 0 else 0
        out = (theta <= task.lower[:, None]) & (pull > 0) | (theta >= task.upper[:, None]) & (pull < 0)
        return np.where(out | task.fixed[:, None], 0, pull), side

    def _hessian(self) -> Double:
        """Of F on the active coordinates, in double precision."""
        task, (m, k) = self.task, self.task.shape
        A, s = task.A.astype(np.float64), task.s.astype(np.float64)
        rows = task.loss.hessian(self._eta, task.y) * s[:, None, None]
        H = np.zeros((m, k, m, k))
        for c in range(k):
            for d in range(k):
                if c == d or np.any(rows[:, c, d]):
                    H[:, c, :, d] = A.T @ (rows[:, c, d, None] * A)
        for index, weight in task.groups:
            _add_norm(H, index, self.theta.astype(np.float64), float(weight))
        flat = H.reshape(m * k, m * k)
        flat[np.diag_indices(m * k)] += np.repeat(2 * task.second.astype(np.float64), k)
        chosen = self.active.ravel()
        return flat[np.ix_(chosen, chosen)]

    @cached_property
    def _scaled(self) -> tuple[Double, Double, Double]:
        """Scales of the active coordinates, the Hessian and the pull in them."""
        H, pull = self._hessian(), self.pull[self.active].astype(np.float64)
        size = (self.task.s @ self.task.A**2).astype(np.float64)
        most = max(float(np.max(self.task.loss.bend(self._eta, self.task.y))), 1e-6)
        floor = 1e-4 * most * np.broadcast_to(size[:, None], self.active.shape)[self.active]
        floor = np.minimum(floor, 1e-4 * np.maximum(floor.max(initial=0.0), 1e-300))
        scale = np.sqrt(np.maximum(np.diag(H), np.maximum(floor, 1e-300)))
        return scale, H / np.multiply.outer(scale, scale), pull / scale

    @cached_property
    def _eigen(self) -> tuple[Double, Double, Double]:
        """Eigenvalues and vectors of the Hessian, the pull along them."""
        _, H, pull = self._scaled
        values, vectors = np.linalg.eigh(H)
        return np.maximum(values, 0.0), vectors, vectors.T @ pull

    def _direction(self, damping: float) -> tuple[Double, float]:
        """The damped Newton step, and the fall of F that its model promises."""
        values, vectors, along = self._eigen
        size = values + damping * max(float(values[-1]), 1e-300)
        return -(vectors @ (along / size)) / self._scaled[0], 0.5 * float(np.sum(along**2 / size))

    @cached_property
    def _plain(self) -> tuple[Double, float] | None:
        """The step without damping, by elimination; None where that fails."""
        scale, H, pull = self._scaled
        try:
            step = np.linalg.solve(H + 1e-15 * len(H) * np.eye(len(H)), -pull)
        except np.linalg.LinAlgError:
            return None
        promised = -0.5 * float(pull @ step)
        return (step / scale, promised) if np.isfinite(promised) and promised > 0 else None

    def best(self, value: np.longdouble) -> tuple[tuple[np.longdouble, Long] | None, float]:
        """The first step that keeps what it promises, else the lowest of all; None where none descends."""
        best, first = None, 0.0
        dampings = ([None] if self._plain else []) + list(DAMPING)
        for damping in dampings:
            direction, promised = self._direction(damping) if damping else self._plain or self._direction(1.0)
            first = first or promised
            for point in self._trials(direction):
                reached = self.task.objective(point)
                if reached < (value if best is None else best[0]):
                    best = (reached, point)
            if best is not None and value - best[0] >= 0.2 * promised:
                break
            if promised <= 1e-20 * abs(value):
                break
        else:
            best = self._longer(best)
        return best, first

    def last(self) -> tuple[Long, float]:
        """The undamped step, and its promise: where F's own digits have ended, the gradient's have not."""
        direction, promised = self._plain or self._direction(DAMPING[0])
        return self._trials(direction)[0], promised

    def _longer(self, best: tuple[np.longdouble, Long] | None) -> tuple[np.longdouble, Long] | None:
        """Twice the step, and again, while F falls: where no damping kept its promise."""
        while best is not None:
            point = self.theta + 2 * (best[1] - self.theta)
            crossed = (self.side != 0) & (point * self.side < 0)
            point = self.task.clipped(np.where(crossed, 0, point))
            reached = self.task.objective(point)
            if not reached < best[0]:
                break
            best = (reached, point)
        return best

    def _trials(self, direction: Double) -> list[Long]:
        """The projected step, and the same only as far as the first kink or bound."""
        task, step = self.task, np.zeros_like(self.theta)
        step[self.active] = direction
        whole = self.theta + step
        crossed = (self.side != 0) & (whole * self.side < 0)
        projected = task.clipped(np.where(crossed, 0, whole))
        if task.groups:
            return [projected, self._without_turned(projected)]
        if np.array_equal(projected, whole):
            return [whole]
        share = np.ones_like(whole)
        share[crossed] = (-self.theta / np.where(step != 0, step, 1))[crossed]
        over = (whole != task.clipped(whole)) & (step != 0)
        room = (task.clipped(whole) - self.theta) / np.where(step != 0, step, 1)
        share[over] = np.minimum(share, room)[over]
        part = self.theta + max(share.min(), np.longdouble(0)) * step
        hit = share <= share.min()
        part = task.clipped(np.where(hit & crossed, 0, part))
        return [projected, part]

    def _without_turned(self, point: Long) -> Long:
        """The point with the groups at 0 that the step has turned round or all but shrunk away."""
        left = point.copy()
        for index, _ in self.task.groups:
            before = self.theta[index]
            if np.sum(before * point[index]) <= 0.1 * np.sum(before**2):
                left[index] = 0
        return left


def _add_norm(H: Double, index: NDArray[np.intp], theta: Double, weight: float) -> None:
    """The second derivative of weight·‖θ_g‖, where the group is not zero."""
    block = theta[index]
    norm = float(np.sqrt(np.sum(block**2)))
    if norm == 0.0:
        return
    r, k = block.shape
    unit = (block / norm).ravel()
    bend = (weight / norm) * (np.eye(r * k) - np.multiply.outer(unit, unit)).reshape(r, k, r, k)
    for a, i in enumerate(index):
        for b, j in enumerate(index):
            H[i, :, j, :] += bend[a, :, b, :]


def swept(task: Task, theta: Long, sweeps: int) -> Long:
    """Proximal steps of one block (a coordinate of all outputs, a group) after the other, each shortened until F falls."""
    theta, eta = theta.copy(), task.eta(theta)
    blocks = [(index, c) for index, c in task.groups]
    grouped = {j for index, _ in blocks for j in index}
    zero = np.longdouble(0)
    blocks += [(np.array([j]), zero) for j in range(len(theta)) if j not in grouped and not task.fixed[j]]
    for _ in range(sweeps):
        start = task.objective(theta)
        for index, c in blocks:
            theta, eta = _block_step(task, theta, eta, index, c)
        if start - task.objective(theta) <= SMALL * abs(start):
            break
    return theta


def _block_step(
    task: Task, theta: Long, eta: Long, index: NDArray[np.intp], c: np.longdouble
) -> tuple[Long, Long]:
    columns, now = task.A[:, index], theta[index]
    gradient = columns.T @ (task.s[:, None] * task.loss.slope(eta, task.y))
    bend = task.s[:, None] * task.loss.curvature(eta, task.y)
    curvature = np.sum(bend.max(axis=1) * np.sum(columns**2, axis=1))
    size = np.sum(task.s * np.sum(columns**2, axis=1))
    curvature = max(curvature, 1e-12 * size)
    if curvature == 0:
        return theta, eta
    before = task.s @ task.loss.value(eta, task.y) + _block_penalty(task, index, c, now)
    for _ in range(30):
        new = _prox(task, index, c, now - gradient / curvature, 1 / curvature)
        moved = eta + columns @ (new - now)
        after = task.s @ task.loss.value(moved, task.y) + _block_penalty(task, index, c, new)
        if after < before:
            theta = theta.copy()
            theta[index] = new
            return theta, moved
        curvature = curvature * 4
    return theta, eta


def _block_penalty(task: Task, index: NDArray[np.intp], c: np.longdouble, block: Long) -> np.longdouble:
    first, second = task.first[index, None], task.second[index, None]
    return np.longdouble(np.sum(first * np.abs(block) + second * block**2) + c * np.sqrt(np.sum(block**2)))


def _prox(task: Task, index: NDArray[np.intp], c: np.longdouble, z: Long, step: np.longdouble) -> Long:
    first, second = task.first[index, None], task.second[index, None]
    shrunk = np.sign(z) * np.maximum(np.abs(z) - step * first, 0) / (1 + 2 * step * second)
    norm = np.sqrt(np.sum(shrunk**2))
    if c > 0:
        shrunk = shrunk * (max(norm - step * c, np.longdouble(0)) / norm if norm > 0 else 0)
    return np.clip(shrunk, task.lower[index, None], task.upper[index, None])
