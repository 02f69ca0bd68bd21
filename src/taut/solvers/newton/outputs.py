"""A loss with k outputs on the columns in use: rows, products and points, what nothing penalises refitted exactly.

Columns in use are the rows of one array, the unpenalised ones first: an orthonormal basis of the intercept and the columns
without any penalty (``FreeBasis``). A coordinate (row, class) is numbered row·k + class, which stays as it is when columns come
in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from taut.defaults import default
from taut.losses import MAJORANT
from taut.solvers._kernels.softmax import rows_used
from taut.solvers.newton.pieces import Pieces
from taut.solvers.problem.curvature import eta_noise
from taut.solvers.problem.line_search import LONGER, held_back, is_rounding
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.solvers.problem.tolerances import rounding
from taut.solvers.problem.units import along, scales_y
from taut.types import Float, Index

_REFITS, _FEW = 100, 12
"""Newton steps of the unpenalised columns, at most, where a point is settled and where it is tried."""
_OWN = 6
"""Newton steps of the unpenalised columns after which a piecewise loss is taken by its pieces."""
_ROUNDED = 1e-10
"""Share of the row gradients below which a gradient that a step does not halve has met rounding."""
_DIGITS = 4.0
"""By how much what rounding may do to a gradient may exceed its mean square."""
_CAUTION = 10.0
"""By how much more curvature is given after a step that did not descend, and taken back after one that did."""
_SHORTEST = 1e-12
"""Share of a step of the unpenalised columns below which rounding leaves none."""


class Iterate(NamedTuple):
    """A point: coefficients (rows in use, k), η and negative row gradients −∂L/∂η (k, n), and L.

    ``q`` = −∇L (m, k) is that on the columns looked at.
    """

    coef: Float
    eta: Float
    neg_gradient: Float
    loss: float
    q: Float = np.empty((0, 0))


class Outputs(ABC):
    """The rows of one member and its columns in use.

    ``coupled``: whether outputs share one curvature; ``exact``: whether a quadratic is all that the loss is, everywhere.
    """

    coupled: bool
    exact: bool = False

    def __init__(self, problem: ScaledProblem) -> None:
        self.problem, self.weight = problem, problem.weight
        self.classes = problem.outputs[0] if problem.outputs else 1
        blank = np.empty((self.weight.size, self.classes))
        self.base = np.zeros((self.classes, self.weight.size))
        if problem.offset is not None:
            self.base += along(problem.offset, blank).T
        self.basis = problem.free_basis
        design = np.ascontiguousarray(self.basis.rows.T)
        self.n_free = design.shape[0]
        self._room, self._filled = design, self.n_free
        # The share of a majorant's curvature that rows without any of their own are given.
        self.caution = MAJORANT
        self.features = np.empty(0, dtype=np.intp)
        self.slot = np.full(problem.matrix.shape[1], -1, dtype=np.intp)
        self.pieces: Pieces | None = None
        self.bind(problem)

    @default
    def bind(self, problem: ScaledProblem) -> None:
        """Look at the same rows with the loss of ``problem`` from now on."""
        self.problem = problem

    @abstractmethod
    def value(self, eta: Float, neg_gradient: Float) -> float:
        """L at η, and ``neg_gradient`` ← −∂L/∂η; both (k, n)."""

    @abstractmethod
    def losses(self, iterate: Iterate) -> Float:
        """L by output (k,); (1,) where they are coupled."""

    @abstractmethod
    def conjugates(self, iterate: Iterate, shrink: Float) -> Float:
        """Σ s ℓ* at the negative row gradients, each output's times ``shrink`` (k,), by output: (k,).

        (1,) where outputs are coupled; ℓ is taken as a function of η without its offset.
        """

    @abstractmethod
    def curve(self, iterate: Iterate) -> Float:
        """What a Hessian at ``iterate`` is made of (k, n)."""

    @abstractmethod
    def products(self, left: Index, right: Index, curve: Float) -> Float:
        """Second derivatives for coordinates ``left`` by coordinates ``right``."""

    @abstractmethod
    def residual_square(self, neg_gradient: Float, curve: Float, classes: Index) -> float:
        """rᵀR⁻r of the working residual of some classes, R the rows' curvature."""

    @abstractmethod
    def free_step(self, eta: Float, neg_gradient: Float, gradient: Float) -> Float:
        """Newton's step of the unpenalised columns (free, k)."""

    @property
    def design(self) -> Float:
        """Columns in use as rows (m, n), unpenalised ones first."""
        return self._room[: self._filled]

    def take_in(self, new: Index) -> None:
        """Bring the columns ``new`` into use, standardised, behind those that are."""
        total = self._filled + new.size
        if total > self._room.shape[0]:
            room = np.empty(
                (min(max(2 * self._filled, total), self.n_free + self.slot.size), self.weight.size)
            )
            room[: self._filled] = self.design
            self._room = room
        self._room[self._filled : total] = self.problem.columns(new).T
        self.slot[new] = np.arange(self._filled, total)
        self._filled = total
        self.features = np.concatenate([self.features, new])

    def start(self) -> Iterate:
        """Where the walk begins, the columns that have a coefficient there in use."""
        problem, first = self.problem, self.problem.first
        coef = first.coef.reshape(-1, self.classes)
        self.take_in(np.flatnonzero(coef.any(axis=1) & ~problem.free))
        gamma = self.basis.forward @ problem.free_coef(first).reshape(-1, self.classes)
        return self.at(np.concatenate([gamma, coef[self.features]]))

    def at(self, coef: Float, fine: float = 1e-15) -> Iterate:
        """The point with η from scratch."""
        return self.refitted(coef, self.base + self._predictor(coef), fine)

    def moved(self, iterate: Iterate, coef: Float, fine: float) -> Iterate:
        """``iterate`` with other coefficients (m, k), and the unpenalised columns some steps nearer to their optimum."""
        return self.refitted(coef, iterate.eta + self._predictor(coef - iterate.coef), fine, _FEW)

    def _predictor(self, coef: Float) -> Float:
        """Σ over the columns in use (k, n); only those with a coefficient are read."""
        rows = rows_used(coef)
        design = self.design[: coef.shape[0]]
        if 2 * rows.size > coef.shape[0]:
            return np.asarray(coef.T @ design)
        return np.asarray(coef[rows].T @ design[rows])

    def refitted(self, coef: Float, eta: Float, fine: float, most: int = _REFITS) -> Iterate:
        """The point with the unpenalised columns moved to their optimum: gradients up to ``fine`` of the rows' own.

        ``most`` bounds the steps; what they leave is in ``free_excess``.
        """
        found = self.centred(coef, eta, fine)
        if found is not None:
            return found
        neg_gradient = np.empty_like(eta)
        loss = self.value(eta, neg_gradient)
        free, before, share = self.design[: self.n_free], np.inf, 1.0
        for count in range(most if self.n_free else 0):
            if count == _OWN and self.pieces is not None:
                return self._by_pieces(self.pieces, coef, eta, fine)
            gradient, total = free @ neg_gradient.T, float(np.abs(neg_gradient).sum())
            size = float(np.abs(gradient).max())
            stuck = share == 1.0 and size > 0.5 * before and size <= self._unsure(eta, total)
            if size <= fine * total or stuck or share < _SHORTEST:
                break
            step, toward = self._free_step(eta, neg_gradient, gradient)
            if is_rounding(toward, eta):
                break
            trial, room = eta + share * toward, np.empty_like(eta)
            value = self.value(trial, room)
            if not value <= loss + rounding(loss, self.problem.unit):
                share = share if self.more_careful() else 0.5 * share
                continue
            self.less_careful()
            # One that gains more than a quadratic would is followed by one twice as long: the loss is exponential there.
            longer = loss - value > LONGER * float(np.vdot(gradient, step))
            coef = coef.copy()
            coef[: self.n_free] += share * step
            before, share = (size if share == 1.0 else np.inf), (2.0 * share if longer else 1.0)
            eta, neg_gradient, loss = trial, room, value
        return Iterate(coef, eta, neg_gradient, loss)

    def _unsure(self, eta: Float, total: float) -> float:
        """The gradient of a column that may be rounding, ``total`` the sum of the row gradients' sizes."""
        return max(_ROUNDED * total, _DIGITS * self._noise(eta))

    def _by_pieces(self, pieces: Pieces, coef: Float, eta: Float, fine: float) -> Iterate:
        """``refitted`` of a loss whose kinks Newton's steps see one after the other."""
        move, coef, neg_gradient = (
            pieces.refitted(self.basis.rows, eta, fine),
            coef.copy(),
            np.empty_like(eta),
        )
        coef[: self.n_free] += move
        eta = eta + move.T @ self.design[: self.n_free]
        return Iterate(coef, eta, neg_gradient, self.value(eta, neg_gradient))

    def longest(self, iterate: Iterate, move: Float, charge: float) -> float:
        """The part of a step that is tried after the whole; ``charge`` is what the whole of it adds to the penalty."""
        return 0.5 if self.pieces is None else self.pieces.longest(iterate.eta, self._predictor(move), charge)

    def more_careful(self) -> bool:
        """Give rows without curvature more of their majorant's; whether there was any more to give, as there is for Huber."""
        before, self.caution = self.caution, min(1.0, _CAUTION * self.caution)
        return self.caution > before and scales_y(self.problem.loss) and not self.problem.squared

    def less_careful(self) -> None:
        """Back towards Newton's own steps."""
        self.caution = max(MAJORANT, self.caution / _CAUTION)

    def _free_step(self, eta: Float, neg_gradient: Float, gradient: Float) -> tuple[Float, Float]:
        """Newton's step of the unpenalised columns (free, k) and what it does to η (k, n), held back where it is senseless."""
        step = self.free_step(eta, neg_gradient, gradient)
        step, toward = held_back(step, self.design[: self.n_free].T, eta.T, self.weight)
        return step, toward.T

    @abstractmethod
    def centred(self, coef: Float, eta: Float, fine: float) -> Iterate | None:
        """``refitted`` where a way without matrices does it; None where none does."""

    def free_gradient(self, iterate: Iterate) -> Float:
        """QᵀS∇ℓ of the unpenalised columns (free, k): zero at their optimum."""
        return np.asarray(self.design[: self.n_free] @ iterate.neg_gradient.T)

    def noise(self, iterate: Iterate) -> float:
        """What the rounding of η may do to a gradient."""
        return self._noise(iterate.eta)

    def _noise(self, eta: Float) -> float:
        return eta_noise(self.problem.bound, eta.T if self.problem.outputs else eta[0])

    def free_excess(self, iterate: Iterate) -> Float:
        """What a refit of the unpenalised columns may gain, as ``ScaledProblem.free_excess`` has it, by output (k,)."""
        own = np.abs(self.free_gradient(iterate)) * (
            self.problem.eta_unit + np.abs(iterate.coef[: self.n_free])
        )
        return np.asarray(own.sum(axis=0))

    def padded(self, coef: Float) -> Float:
        """``coef`` with the columns that came in since, at 0."""
        full = np.zeros((self._filled, self.classes))
        full[: coef.shape[0]] = coef
        return full

    def shaped(self, values: Float) -> Float:
        """(m, k) as the problem's own coefficients are shaped: (m,) for one output."""
        return values if self.problem.outputs else values[:, 0]

    def state(self, iterate: Iterate) -> State:
        """``iterate`` as a point on all columns of X, on F's scale."""
        coef = np.zeros((self.slot.size, self.classes))
        coef[self.features] = iterate.coef[self.n_free :]
        first, own = int(self.problem.fit_intercept), self.basis.coefficients(iterate.coef[: self.n_free])
        coef[self.problem.free_columns] = own[first:]
        intercept = own[0] if first else np.zeros(self.classes)
        eta = np.ascontiguousarray(iterate.eta.T)
        return State(self.shaped(coef), intercept if self.problem.outputs else intercept[0], self.shaped(eta))
