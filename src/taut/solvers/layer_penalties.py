"""One penalty shape on all layers of a network: Ω(θ) = Σ_k P(W_k) on the flat parameter vector, with its
prox.

The first block is [W_1 | A]: for separable shapes P([W_1 | A]) = P(W_1) + P(A); for the group lasso an
input's weights and its skip coefficients are one group, weighted as the linear model weights it, so that the
network contains the linear model of the same λ. Factors and groups belong to input columns; deeper layers
have one group per neuron (its outgoing weights) and no factors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from taut.penalties import L1, GroupLasso, Penalty
from taut.penalties.separable import Separable
from taut.solvers.layout import Layout, Vector
from taut.solvers.vector_penalty import VectorPenalty

SMALL = 1e-12
"""A gradient that a kink at zero holds back, whatever its strength, and a smooth shape does not."""


@dataclass(frozen=True, eq=False)
class Block:
    """A part of the vector, the matrix shape it has, and its penalty at strength 1 (None: not penalised)."""

    where: slice
    shape: tuple[int, int]
    penalty: Penalty | None


@final
@dataclass(frozen=True, eq=False)
class LayerPenalties(VectorPenalty):
    """Ω block by block, each with its own penalty: any shape, and the reference for the tables."""

    layout: Layout
    blocks: tuple[Block, ...]

    def value(self, vector: Vector, lam: float) -> float:
        """λΩ(θ)."""
        return float(sum(np.asarray((lam * p).value(w)) for w, p in self._penalised(vector)))

    def gradient(self, vector: Vector, lam: float) -> Vector:
        """The least-norm subgradient of λΩ (P,)."""
        return self._map(vector, lambda p, w, _: (lam * p).gradient(w), vector, 0.0)

    def prox(self, vector: Vector, step: Vector | float, lam: float) -> Vector:
        """argmin_x ½‖x − z‖²/step + λΩ(x): exact for any ``step`` that ``pooled`` made, or a number."""
        return self._map(vector, lambda p, w, t: (lam * p).prox(w, t), step, None)

    def least_norm(self, vector: Vector, gradient: Vector, lam: float) -> Vector:
        """The element of ∇L + ∂λΩ of least norm (P,): zero where stationary, its negative goes downhill."""
        out = gradient.copy()
        for block in self.blocks:
            if block.penalty is not None:
                w, g = vector[block.where].reshape(block.shape), gradient[block.where].reshape(block.shape)
                shape = lam * block.penalty
                inside = np.sign(g) * np.asarray(shape.distance(w, g))
                out[block.where] = np.where(w != 0, g + np.asarray(shape.gradient(w)), inside).ravel()
        return out

    def held(self, vector: Vector, heading: Vector) -> Vector:
        """``vector`` with zeros where a weight left the orthant of ``heading`` (a group its half-space).

        Shapes that are smooth at zero have no such border.
        """
        out = vector.copy()
        for block in self.blocks:
            if block.penalty is not None:
                zeros = np.zeros(block.shape)
                kinked = np.asarray(block.penalty.distance(zeros, zeros + SMALL)) == 0
                agreement = (vector[block.where] * heading[block.where]).reshape(block.shape)
                if isinstance(block.penalty, GroupLasso):
                    agreement = np.broadcast_to(
                        _group_means(block.penalty, agreement.mean(axis=1))[:, None], block.shape
                    )
                out[block.where] = np.where((kinked & (agreement <= 0)).ravel(), 0.0, vector[block.where])
        return out

    def largest_step(self, lam: float) -> float:
        """Steps up to this keep the prox a function: inf for convex shapes."""
        weak = max(
            ((lam * b.penalty).traits.weak_convexity for b in self.blocks if b.penalty is not None),
            default=0.0,
        )
        return 0.9 / weak if weak > 0 else float("inf")

    def pooled(self, squares: Vector) -> Vector:
        """Adam's second moments averaged within groups: a metric in which the groups' prox is exact."""
        if not any(isinstance(b.penalty, GroupLasso) for b in self.blocks):
            return squares
        out = squares.copy()
        for block in self.blocks:
            if isinstance(block.penalty, GroupLasso):
                view = out[block.where].reshape(block.shape)
                means = _group_means(block.penalty, view.mean(axis=1))
                free = block.penalty.labels(block.shape[0]) < 0
                view[:] = np.where(free[:, None], view, means[:, None])
        return out

    def _penalised(self, vector: Vector) -> list[tuple[Vector, Penalty]]:
        return [(vector[b.where].reshape(b.shape), b.penalty) for b in self.blocks if b.penalty is not None]

    def _map(self, vector: Vector, f: Any, other: Vector | float, default: float | None) -> Vector:
        """``f(penalty, w, other)`` block by block; ``default`` (None: the vector) elsewhere."""
        out = vector.copy() if default is None else np.full_like(vector, default)
        for block in self.blocks:
            if block.penalty is not None:
                w = vector[block.where].reshape(block.shape)
                part = other[block.where].reshape(block.shape) if isinstance(other, np.ndarray) else other
                out[block.where] = np.asarray(f(block.penalty, w, part)).ravel()
        return out


def layer_penalties(
    layout: Layout, penalty: Penalty, penalize_biases: bool, fit_intercept: bool
) -> LayerPenalties:
    """``penalty`` on every matrix of ``layout``, and on the biases where asked; without an intercept η has
    none.

    Raises ValueError for a box: bounds belong to the coefficients of a linear model.
    """
    deeper = on_neurons(penalty)
    shapes = (_on_inputs(layout, penalty), *(deeper for _ in layout.hidden))
    matrices = zip(layout.matrix_slices, layout.shapes, shapes, strict=True)
    own = deeper if penalize_biases else None
    *hidden, last = (Block(s, (s.stop - s.start, 1), own) for s in layout.bias_slices)
    output = last if fit_intercept else replace(last, penalty=L1(factors=np.full(last.shape[0], np.inf)))
    return LayerPenalties(layout, (*(Block(*m) for m in matrices), *hidden, output))


def _on_inputs(layout: Layout, penalty: Penalty) -> Penalty:
    if not (isinstance(penalty, GroupLasso) and layout.has_skip):
        return penalty
    return float(np.sqrt(layout.n_outputs / layout.shapes[0][1])) * penalty


def on_neurons(penalty: Penalty) -> Penalty:
    """``penalty`` as it acts on layers past the inputs: no factors, one group per neuron."""
    if isinstance(penalty, GroupLasso):
        return replace(penalty, groups=None)
    if not isinstance(penalty, Separable):
        return penalty
    if penalty.lower is not None or penalty.upper is not None:
        raise ValueError(
            "lower and upper bound the coefficients of a linear model: leave them out with hidden layers"
        )
    return replace(penalty, factors=None)


def _group_means(penalty: GroupLasso, rows: Vector) -> Vector:
    """The mean of ``rows`` (in,) over each group, spread back to its rows."""
    if penalty.groups is None:
        return rows
    labels = np.asarray(penalty.groups)
    if labels.dtype.kind != "i":
        return rows
    _, group = np.unique(labels, return_inverse=True)
    means = np.bincount(group, rows) / np.bincount(group)
    pooled: Vector = np.where(labels < 0, rows, means[group]).astype(rows.dtype)
    return pooled
