"""Sample model: a sample of rows by class, its path, and quadratic models of the loss of all rows that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from taut.design import mixed
from taut.path import PathSpec, fit_linear
from taut.penalties import Penalty
from taut.streaming.assignment import TEST
from taut.streaming.certificates import Bounded
from taut.streaming.likelihood_pass import StreamedLikelihood, Totals
from taut.streaming.shared import PreparedRows
from taut.types import Float

SALT = 0xCA5E
RIDGE = 1e-10
"""What is added to a Hessian's diagonal, in shares of its mean, so that it has a root."""


@dataclass(eq=False)
class ClassSample:
    """The training rows of each class whose numbers have the smallest hashes: the same for any blocks."""

    likelihood: StreamedLikelihood
    size: int
    rows: list[Float] = field(default_factory=lambda: [np.empty((0, 0))] * 2)
    keys: list[Any] = field(default_factory=lambda: [np.empty(0, dtype=np.uint64)] * 2)
    targets: list[Float] = field(default_factory=lambda: [np.empty(0)] * 2)
    weights: list[Float] = field(default_factory=lambda: [np.empty(0)] * 2)
    totals: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, X: Float, found: PreparedRows) -> None:
        """Take up rows X (n, p) in the sums' units."""
        keys = mixed(found.rows.astype(np.uint64), SALT)
        kinds = self.likelihood.kinds(found.y)
        for kind in range(2):
            own = np.flatnonzero((kinds == kind) & (found.parts != TEST))
            self.totals[kind] += float(found.weight[own].sum())
            own = own[np.argsort(keys[own])[: self.size]]
            every = np.concatenate([self.keys[kind], keys[own]])
            kept = np.argsort(every)[: self.size]
            stacked = X[own] if not self.rows[kind].size else np.concatenate([self.rows[kind], X[own]])
            self.rows[kind], self.keys[kind] = stacked[kept], every[kept]
            self.weights[kind] = np.concatenate([self.weights[kind], found.weight[own]])[kept]
            self.targets[kind] = np.concatenate([self.targets[kind], found.y[own]])[kept]

    def drawn(self) -> tuple[Float, Float, Float]:
        """X, y and weights by which each kind weighs what it weighs in all rows."""
        filled = [kind for kind in range(2) if self.keys[kind].size]
        weights = [self.weights[k] * self.totals[k] / self.weights[k].sum() for k in filled]
        rows, targets = ([own[k] for k in filled] for own in (self.rows, self.targets))
        return np.concatenate(rows), np.concatenate(targets), np.concatenate(weights)


class Members(NamedTuple):
    """Training weight (M,), centres and scales (M, p) in the sums' units, null gradients (M, p), null and saturated losses
    (M,), and sums of the target."""

    weight: Float
    center: Float
    scale: Float
    null: Float
    null_loss: Float
    saturated_loss: Float
    totals: Totals

    @property
    def unit(self) -> Float:
        """What gaps are relative to (M,)."""
        return self.null_loss - self.saturated_loss


@dataclass(frozen=True, eq=False)
class QuadraticModels:
    """A quadratic model of the loss at each λ, standardised: ``roots`` (L, p, p) with RᵀR the Hessian's part that the
    intercept leaves, ``own`` (L,) the intercept's curvature, ``cross`` (L, p) its product with the columns."""

    roots: Float
    own: Float
    cross: Float

    @staticmethod
    def of(hessians: Float) -> QuadraticModels:
        """From Hessians (L, p + 1, p + 1) of intercept and columns."""
        own, cross = hessians[:, 0, 0], hessians[:, 0, 1:]
        left = hessians[:, 1:, 1:] - cross[:, :, None] * cross[:, None, :] / own[:, None, None]
        size = np.trace(left, axis1=1, axis2=2) / left.shape[1]
        left = left + RIDGE * size[:, None, None] * np.eye(left.shape[1])
        return QuadraticModels(np.linalg.cholesky(left).transpose(0, 2, 1), own, cross)

    def step(self, penalty: Penalty, grid: Float, W: Float, b: Float, found: Bounded) -> tuple[Float, Float]:
        """The minima of ½(v − w)ᵀH(v − w) + gᵀ(v − w) + λΩ(v), the members as outputs of one problem."""
        members, p = W.shape[0], W.shape[2]
        spec = PathSpec(penalty=penalty, fit_intercept=False, standardize=False, tol=1e-10)
        size = np.sqrt(members * p / 2.0)
        new = np.empty_like(W)
        for i, (lam, root) in enumerate(zip(grid.tolist(), self.roots, strict=True)):
            g = found.gradient[:, i] - np.multiply.outer(found.slope[:, i] / self.own[i], self.cross[i])
            ahead = root @ W[:, i].T - np.linalg.solve(root.T, g.T)
            path = fit_linear(spec, size * root, size * ahead, np.ones((1, p)), [lam])[0]
            new[:, i] = path.coefs[0].T
        moved = np.einsum("lp,mlp->ml", self.cross, new - W)
        return new, b - (found.slope + moved) / self.own


@dataclass(eq=False)
class SampleModel:
    """The sample, standardised as all rows are, its path, and by how much its Hessians differ from those of all rows.

    ``corrections`` (L, p + 1, p + 1): the difference at a few λ, and between them on a line.
    """

    likelihood: StreamedLikelihood
    X: Float
    weight: Float
    coefs: Float
    intercepts: Float
    corrections: Float

    @staticmethod
    def of(sample: ClassSample, members: Members, penalty: Penalty, grid: Float) -> SampleModel:
        """Fit the sample."""
        X, y, weight = sample.drawn()
        X = (X - members.center[0]) / members.scale[0]
        weight = weight / weight.sum()
        spec = PathSpec(sample.likelihood.loss, penalty, standardize=False, tol=1e-7)
        path = fit_linear(spec, X, y, weight[None], grid.tolist())[0]
        design = np.column_stack([np.ones(len(X)), X])
        return SampleModel(
            sample.likelihood,
            design,
            weight,
            path.coefs,
            path.intercepts,
            np.zeros((len(grid), *[design.shape[1]] * 2)),
        )

    def hessians(self, coefs: Float, intercepts: Float) -> Float:
        """The sample's Hessians at coefficients (L, p) and intercepts (L,)."""
        found = []
        for coef, intercept in zip(coefs, intercepts, strict=True):
            eta = self.X[:, 1:] @ coef + intercept
            curvature = np.asarray(self.likelihood.loss.curvature(eta, np.zeros_like(eta)))
            scaled = self.X * np.sqrt(self.weight * curvature)[:, None]
            found.append(scaled.T @ scaled)
        return np.stack(found)

    def correct(self, hessian_at: tuple[int, ...], exact: Float, members: Members) -> None:
        """Learn from the Hessians of all rows at some λ (k, p + 1, p + 1), in the sums' units, at the sample's solutions."""
        p = self.X.shape[1] - 1
        change = np.zeros((p + 1, p + 1))
        change[0, 0] = 1.0
        change[1:, 0], change[1:, 1:] = -members.center[0] / members.scale[0], np.diag(1.0 / members.scale[0])
        whole = change @ (exact / members.weight[0]) @ change.T
        own = self.hessians(self.coefs[list(hessian_at)], self.intercepts[list(hessian_at)])
        flat = (whole - own).reshape(len(hessian_at), -1)
        at = np.arange(len(self.corrections))
        lines = [np.interp(at, hessian_at, column) for column in flat.T]
        self.corrections = np.stack(lines, axis=1).reshape(self.corrections.shape)

    def models(self, coefs: Float, intercepts: Float) -> QuadraticModels:
        """The quadratic models at coefficients (L, p); the sample's alone where a corrected one is not convex."""
        own = self.hessians(coefs, intercepts)
        try:
            return QuadraticModels.of(own + self.corrections)
        except np.linalg.LinAlgError:
            return QuadraticModels.of(own)
