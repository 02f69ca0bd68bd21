"""A softmax loss on the columns in use: rows, products and points, class-major, with unpenalised columns refitted exactly.

Columns in use are the rows of one array, the leading ones (intercept and columns without any penalty) first. A pair
(row, class) is numbered row·k + class, which stays as it is when columns come in.
"""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from taut.losses import Multinomial
from taut.losses.classes import probabilities
from taut.solvers._kernels.softmax import softmax_conjugate, softmax_rows
from taut.solvers.matrix import Float, Index
from taut.solvers.scaled import ScaledProblem, State, along

_CHUNK = 2_000_000
"""Numbers in a block of rows while a Hessian is built."""


class Place(NamedTuple):
    """A point: coefficients (rows in use, k), η and pulls −∂L/∂η (k, n), q = −∇L shaped as coef, and L."""

    coef: Float
    eta: Float
    pull: Float
    q: Float
    loss: float


@final
class SoftmaxRows:
    """The rows of one member and its columns in use."""

    def __init__(self, problem: ScaledProblem) -> None:
        if not isinstance(problem.loss, Multinomial):
            raise TypeError(f"the softmax engine is for Multinomial, not {problem.loss!r}")
        self.problem, self.weight = problem, problem.weight
        (self.classes,) = problem.outputs
        n = self.weight.size
        blank = np.empty((n, self.classes))
        self.target = np.ascontiguousarray(np.asarray(probabilities(problem.y, blank)).T)
        self.base = np.zeros((self.classes, n))
        if problem.offset is not None:
            self.base += along(problem.offset, blank).T
        self.free = np.flatnonzero(problem.free)
        design = np.ascontiguousarray(problem.free_design(self.free).T)
        self.lead = design.shape[0]
        self._room, self._filled = design, self.lead
        self.features = np.empty(0, dtype=np.intp)
        self.slot = np.full(problem.matrix.shape[1], -1, dtype=np.intp)

    @property
    def design(self) -> Float:
        """Columns in use as rows (m, n), leading ones first."""
        return self._room[: self._filled]

    def take_in(self, new: Index) -> None:
        """Bring columns into use."""
        total = self._filled + new.size
        if total > self._room.shape[0]:
            room = np.empty((min(max(2 * self._filled, total), self.lead + self.slot.size), self.weight.size))
            room[: self._filled] = self.design
            self._room = room
        self._room[self._filled : total] = self.problem.columns(new).T
        self.slot[new] = np.arange(self._filled, total)
        self._filled = total
        self.features = np.concatenate([self.features, new])

    def start(self) -> Place:
        """The null model."""
        null, lead = (
            self.problem.null,
            [self.problem.null.intercept[None]] if self.problem.fit_intercept else [],
        )
        return self.at(np.concatenate([*lead, null.coef[self.free]]))

    def at(self, coef: Float, fine: float = 1e-15) -> Place:
        """The point with η from scratch."""
        return self.refitted(coef, self.base + coef.T @ self.design[: coef.shape[0]], fine)

    def moved(self, place: Place, move: Float, fine: float) -> Place:
        """``place`` after a step (m, k)."""
        rows = np.flatnonzero(move.any(axis=1))
        design, part = (
            (self.design, move) if 2 * rows.size > move.shape[0] else (self.design[rows], move[rows])
        )
        return self.refitted(place.coef + move, place.eta + part.T @ design, fine)

    def refitted(self, coef: Float, eta: Float, fine: float) -> Place:
        """The point with the leading columns moved to their optimum: gradients up to ``fine`` of the rows' pulls."""
        pull = np.empty_like(eta)
        loss = softmax_rows(eta, self.target, self.weight, pull)
        lead, before, share = self.design[: self.lead], np.inf, 1.0
        for _ in range(50 if self.lead else 0):
            gradient = lead @ pull.T
            size = float(np.abs(gradient).max())
            if size <= fine * float(np.abs(pull).sum()) or (size > 0.5 * before and share == 1.0):
                break
            step = share * self._lead_step(pull, gradient)
            trial, room = eta + step.T @ lead, np.empty_like(eta)
            value = softmax_rows(trial, self.target, self.weight, room)
            if value > loss + 1e-14 * abs(loss):
                share *= 0.5
                continue
            before, share = (size if share == 1.0 else np.inf), 1.0
            coef = coef.copy()
            coef[: self.lead] += step
            eta, pull, loss = trial, room, value
        return Place(coef, eta, pull, self.correlate(pull)[: coef.shape[0]], loss)

    def _lead_step(self, pull: Float, gradient: Float) -> Float:
        """Newton's step of the leading columns; classes that move together change nothing, and do not."""
        k, p = self.classes, self.probabilities(pull)
        if self.lead == 1 and self.problem.fit_intercept:
            # The leading column is one throughout.
            H = np.diag(p @ self.weight) - (p * self.weight) @ p.T
        else:
            lead = np.arange(self.lead * k)
            H = self.products(lead, lead, p)
        size = float(np.trace(H)) / H.shape[0] or 1.0
        together = np.kron(np.eye(self.lead), np.full((k, k), size / k))
        return np.asarray(
            np.linalg.solve(H + together + 1e-13 * size * np.eye(H.shape[0]), gradient.ravel())
        ).reshape(-1, k)

    def correlate(self, pull: Float) -> Float:
        """Columns in use times the pulls: (m, k)."""
        return np.asarray(self.design @ pull.T)

    def probabilities(self, pull: Float) -> Float:
        """p (k, n) from the pulls; 0 in rows without weight."""
        counted = self.weight > 0.0
        p = self.target - pull * np.divide(1.0, self.weight, out=np.zeros_like(self.weight), where=counted)
        return np.asarray(
            np.maximum(p, 0.0, out=p) if counted.all() else np.where(counted, np.maximum(p, 0.0), 0.0)
        )

    def products(self, left: Index, right: Index, p: Float) -> Float:
        """Second derivatives Σ s x x' p_c(δ_cd − p_d) for pairs ``left`` by pairs ``right``."""
        k, same = self.classes, left is right
        G = np.zeros((left.size, right.size))
        step = max(64, _CHUNK // max(left.size + right.size, 1))
        members = [(np.flatnonzero(left % k == c), np.flatnonzero(right % k == c)) for c in range(k)]
        for start in range(0, self.weight.size, step):
            part = slice(start, start + step)
            design, s, share = self.design[:, part], self.weight[part], p[:, part]
            root = np.sqrt(s) * share
            A = design[left // k] * root[left % k]
            G -= A @ (A.T if same else (design[right // k] * root[right % k]).T)
            for c, (own, other) in enumerate(members):
                if own.size and other.size:
                    weighted = design[left[own] // k] * (s * share[c])
                    G[np.ix_(own, other)] += weighted @ design[right[other] // k].T
        return G

    def conjugate(self, pull: Float, shrink: float) -> float:
        """Σ s ℓ* at the shrunk pulls, for ℓ as a function of η without its offset."""
        value = float(softmax_conjugate(pull, self.target, self.weight, shrink))
        return value + shrink * float(np.vdot(pull, self.base)) if self.problem.offset is not None else value

    def state(self, place: Place) -> State:
        """``place`` on all columns."""
        coef = np.zeros((self.slot.size, self.classes))
        coef[self.features] = place.coef[self.lead :]
        first = int(self.problem.fit_intercept)
        coef[self.free] = place.coef[first : self.lead]
        intercept = place.coef[0] if first else np.zeros(self.classes)
        return State(coef, intercept, np.ascontiguousarray(place.eta.T))
