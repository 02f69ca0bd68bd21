"""The penalties of all layers of a network: Ω(θ) = Σ_k P_k(W_k) + Q_k(b_k) on the flat parameter vector, with its prox.

One shape P for all, or one for each layer. The first block is [W_1 | A]: for separable shapes P([W_1 | A]) =
P(W_1) + P(A); for the group lasso an input's weights and its skip coefficients are one group, weighted as the linear
model weights it, so that the network contains the linear model of the same λ. Factors and groups belong to input
columns; deeper layers have one group per neuron (its outgoing weights) and no factors. Where the first layer has a
shape of its own, A keeps that of the linear model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.objective import PerLayer, per_layer
from taut.penalties import L1, Penalty
from taut.solvers.networks.flat_params import FlatLayout
from taut.solvers.networks.flat_penalty import VectorPenalty
from taut.types import Int64, Real

SMALL = 1e-12
"""A gradient that a kink at zero holds back, whatever its strength, and a smooth shape does not."""


@dataclass(frozen=True)
class Shapes:
    """What acts where, at strength 1: ``penalty`` on the linear model that the network contains, and on all layers but
    where ``layers`` names one for each (None: not penalised); ``biases`` on those of each layer, the output last."""

    penalty: Penalty
    layers: tuple[Penalty | None, ...] | None = None
    biases: tuple[Penalty | None, ...] | None = None

    @staticmethod
    def of(penalty: Penalty, layers: PerLayer, biases: PerLayer, n_hidden: int) -> Shapes:
        """The shapes of a network with so many hidden layers; raises where the lists do not suit it."""
        if layers is None and biases is None:
            return Shapes(penalty)
        if not n_hidden:
            raise ValueError(
                "layer_penalties and bias_penalties are those of a network: they need hidden layers"
            )
        each = Shapes(
            penalty, _each("layer_penalties", layers, n_hidden), _each("bias_penalties", biases, n_hidden)
        )
        if each.biases is not None and each.biases[-1] not in (None, penalty):
            raise ValueError(
                f"bias_penalties ends with {each.biases[-1]!r}: the output's bias is the intercept of the linear model "
                f"too, so the last one must be None or the penalty itself, {penalty!r}"
            )
        return each

    def at_curvature(self, curvature: float) -> Shapes:
        """All of them beside a loss of this unit curvature."""

        def beside(shapes: tuple[Penalty | None, ...] | None) -> tuple[Penalty | None, ...] | None:
            return shapes and tuple(shape and shape.at_curvature(curvature) for shape in shapes)

        return Shapes(self.penalty.at_curvature(curvature), beside(self.layers), beside(self.biases))


@dataclass(frozen=True, eq=False)
class Block:
    """Entries of the vector, the matrix shape they have, and their penalty at strength 1 (None: not penalised)."""

    where: slice | NDArray[np.intp]
    shape: tuple[int, int]
    penalty: Penalty | None

    @property
    def groups(self) -> Int64 | None:
        """The group of each entry, shaped as the block, −1 where it is in none; None for shapes without groups."""
        rows, columns = self.shape
        blocks = None if self.penalty is None else self.penalty.blocks(rows, columns)
        return None if blocks is None else blocks.labels


@final
@dataclass(frozen=True, eq=False)
class LayerPenalties(VectorPenalty):
    """Ω block by block, each with its own penalty: any shape, and the reference for the tables."""

    layout: FlatLayout
    blocks: tuple[Block, ...]

    @property
    def straight(self) -> bool:
        """Nothing is known of the shapes."""
        return False

    def value(self, vector: Real, lam: float) -> float:
        """λΩ(θ)."""
        return float(sum(np.asarray((lam * p).value(w)) for w, p in self._penalised(vector)))

    def gradient(self, vector: Real, lam: float) -> Real:
        """The least-norm subgradient of λΩ (P,)."""
        return self._map(vector, lambda p, w, _: (lam * p).gradient(w), vector, 0.0)

    def prox(self, vector: Real, step: Real | float, lam: float) -> Real:
        """argmin_x ½‖x − z‖²/step + λΩ(x); ``step`` is a number, or one for each weight."""
        return self._map(vector, lambda p, w, t: (lam * p).prox(w, t), step, None)

    def least_norm(self, vector: Real, gradient: Real, lam: float) -> Real:
        """The element of ∇L + ∂λΩ of least norm (P,): zero where stationary, its negative goes downhill."""
        out = gradient.copy()
        for block in self.blocks:
            if block.penalty is not None:
                w, g = vector[block.where].reshape(block.shape), gradient[block.where].reshape(block.shape)
                shape = lam * block.penalty
                inside = np.sign(g) * np.asarray(shape.distance(w, g))
                out[block.where] = np.where(w != 0, g + np.asarray(shape.gradient(w)), inside).ravel()
        return out

    def held(self, vector: Real, heading: Real) -> Real:
        """``vector`` with zeros where a weight left the orthant of ``heading`` (a group its half-space).

        Shapes that are smooth at zero have no such border.
        """
        out = vector.copy()
        for block in self.blocks:
            if block.penalty is not None:
                zeros = np.zeros(block.shape)
                kinked = np.asarray(block.penalty.distance(zeros, zeros + SMALL)) == 0
                agreement: Real = (vector[block.where] * heading[block.where]).reshape(block.shape)
                groups = block.groups
                if groups is not None:
                    agreement = _group_means(groups, agreement)
                out[block.where] = np.where((kinked & (agreement <= 0)).ravel(), 0.0, vector[block.where])
        return out

    def largest_step(self, lam: float) -> float:
        """Steps up to this keep the prox a function: inf for convex shapes."""
        weak = max(
            ((lam * b.penalty).traits.weak_convexity for b in self.blocks if b.penalty is not None),
            default=0.0,
        )
        return 0.9 / weak if weak > 0 else float("inf")

    def _penalised(self, vector: Real) -> list[tuple[Real, Penalty]]:
        return [(vector[b.where].reshape(b.shape), b.penalty) for b in self.blocks if b.penalty is not None]

    def _map(self, vector: Real, f: Any, other: Real | float, default: float | None) -> Real:
        """``f(penalty, w, other)`` block by block; ``default`` (None: the vector) elsewhere."""
        out = vector.copy() if default is None else np.full_like(vector, default)
        for block in self.blocks:
            if block.penalty is not None:
                w = vector[block.where].reshape(block.shape)
                part = other[block.where].reshape(block.shape) if isinstance(other, np.ndarray) else other
                out[block.where] = np.asarray(f(block.penalty, w, part)).ravel()
        return out


def layer_penalties(
    layout: FlatLayout, shapes: Shapes, penalize_biases: bool, fit_intercept: bool
) -> LayerPenalties:
    """``shapes`` on the matrices of ``layout``, and on the biases where asked; without an intercept η has none.

    Raises ValueError for a box: bounds belong to the coefficients of a linear model.
    """
    deeper = on_neurons(shapes.penalty)
    own = (deeper if penalize_biases else None,) * len(layout.bias_sizes)
    given = zip(layout.bias_slices, shapes.biases or own, strict=True)
    *hidden, last = (Block(s, (s.stop - s.start, 1), penalty) for s, penalty in given)
    output = last if fit_intercept else replace(last, penalty=L1(factors=np.full(last.shape[0], np.inf)))
    return LayerPenalties(layout, (*_on_matrices(layout, shapes, deeper), *hidden, output))


def _on_matrices(layout: FlatLayout, shapes: Shapes, deeper: Penalty) -> Iterator[Block]:
    first, *others = shapes.layers or (shapes.penalty, *(deeper for _ in layout.hidden))
    matrices = list(zip(layout.matrix_slices, layout.shapes, strict=True))
    if first == shapes.penalty or not layout.has_skip:
        yield Block(*matrices[0], first and _on_inputs(layout, first))
    else:
        places = np.arange(layout.n_weights)[matrices[0][0]].reshape(matrices[0][1])
        for part, penalty in zip(
            np.split(places, [layout.bias_sizes[0]], axis=1), (first, shapes.penalty), strict=True
        ):
            yield Block(part.ravel(), part.shape, penalty)
    for matrix, penalty in zip(matrices[1:], others, strict=True):
        yield Block(*matrix, penalty)


def _on_inputs(layout: FlatLayout, penalty: Penalty) -> Penalty:
    blocks = penalty.blocks(*layout.shapes[0]) if layout.has_skip else None
    if blocks is None or blocks.rows is None:
        return penalty
    return float(np.sqrt(layout.n_outputs / layout.shapes[0][1])) * penalty


def on_neurons(penalty: Penalty) -> Penalty:
    """``penalty`` as it acts on layers past the inputs: no factors, one group per neuron."""
    _check_no_box(penalty)
    return penalty.uniform()


def _each(name: str, given: PerLayer, n_hidden: int) -> tuple[Penalty | None, ...] | None:
    """One for each layer; None where nothing is given."""
    if given is None:
        return None
    shapes = per_layer(name, given, n_hidden + 1)
    for shape in shapes:
        _check_no_box(shape)
    return shapes


def _check_no_box(penalty: Penalty | None) -> None:
    if penalty is not None and penalty.bounded:
        raise ValueError(
            "lower and upper bound the coefficients of a linear model: leave them out with hidden layers"
        )


def _group_means(groups: Int64, values: Real) -> Real:
    """``values`` with the mean of its group in place of each entry; those in no group as they are."""
    _, group = np.unique(groups, return_inverse=True)
    group = group.reshape(groups.shape)
    means = np.bincount(group.ravel(), values.ravel()) / np.bincount(group.ravel())
    pooled: Real = np.where(groups < 0, values, means[group]).astype(values.dtype)
    return pooled
