"""Likelihood: the logistic path of rows that no memory holds, from a sample's and a few passes that correct all λ at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

from taut.design import DataError, brief, mixed
from taut.losses import Logistic
from taut.path import LinearPath, PathSpec, fit_linear
from taut.penalties import Penalty
from taut.selection import Scores
from taut.solvers import Certificate, Measure
from taut.streaming.assignment import TEST
from taut.streaming.logistic import Bounded, Evaluated, LogisticPass, bounded
from taut.streaming.moments import Moments
from taut.streaming.passing import PassState
from taut.streaming.shared import PreparedRows, SharedPreparation
from taut.streaming.sources import RowSource
from taut.types import Float

ROWS_PER_COLUMN = 200
SAMPLED_NUMBERS = 1 << 24
SALT = 0xCA5E
RIDGE = 1e-10
"""What is added to a Hessian's diagonal, in shares of its mean, so that it has a root."""


class StreamedPath(NamedTuple):
    """``path`` of all training rows, cross-validated ``scores``, mean loss of the test part at each λ (L,), ``passes``
    over the rows after those that learnt the preparation, and the largest certificate of the folds' paths."""

    path: LinearPath
    scores: Scores
    tested: Float
    passes: int
    worst: float
    moments: Moments


@dataclass(eq=False)
class ClassSample:
    """The training rows of each class whose numbers have the smallest hashes: the same for any blocks."""

    size: int
    rows: list[Float] = field(default_factory=lambda: [np.empty((0, 0))] * 2)
    keys: list[Any] = field(default_factory=lambda: [np.empty(0, dtype=np.uint64)] * 2)
    weights: list[Float] = field(default_factory=lambda: [np.empty(0)] * 2)
    totals: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, X: Float, found: PreparedRows) -> None:
        """Take up rows X (n, p) in the sums' units."""
        keys = mixed(found.rows.astype(np.uint64), SALT)
        for kind in range(2):
            own = np.flatnonzero((found.y == kind) & (found.parts != TEST))
            self.totals[kind] += float(found.weight[own].sum())
            own = own[np.argsort(keys[own])[: self.size]]
            every = np.concatenate([self.keys[kind], keys[own]])
            kept = np.argsort(every)[: self.size]
            stacked = X[own] if not self.rows[kind].size else np.concatenate([self.rows[kind], X[own]])
            self.rows[kind], self.keys[kind] = stacked[kept], every[kept]
            self.weights[kind] = np.concatenate([self.weights[kind], found.weight[own]])[kept]

    def drawn(self) -> tuple[Float, Float, Float]:
        """X, y and weights by which each class weighs what it weighs in all rows."""
        weights = [w * total / w.sum() for w, total in zip(self.weights, self.totals, strict=True)]
        return np.concatenate(self.rows), np.repeat([0.0, 1.0], [len(w) for w in weights]), np.concatenate(weights)


class Members(NamedTuple):
    """Training weight (M,), centres and scales (M, p) in the sums' units, share of ones (M,), null gradients (M, p)."""

    weight: Float
    center: Float
    scale: Float
    share: Float
    null: Float

    @property
    def null_loss(self) -> Float:
        """−ȳ log ȳ − (1 − ȳ) log(1 − ȳ) (M,): the saturated loss is 0."""
        return np.asarray(-xlogy(self.share, self.share) - xlogy(1 - self.share, 1 - self.share))


def stream_path(
    source: RowSource, shared: SharedPreparation, penalty: Penalty, lambdas: int = 100, tol: float = 1e-6, most: int = 8
) -> StreamedPath:
    """The logistic path of all training rows and of each fold's, every λ corrected in each of at most ``most`` passes.

    The first pass takes moments, which give λ_max, scales and null models exactly, and a sample by class of 200 rows a
    column. The sample's path and Hessians are then corrected by exact gradients of all λ and all folds in a pass each: a
    quasi-Newton step solves the penalised quadratic model of every λ, and is halved where F rose.
    """
    moments, sample = _first_pass(source, shared)
    members = _members(moments)
    top = penalty.lambda_max(members.null[0])
    grid = np.asarray(top * np.geomspace(1.0, 1e-4, lambdas))
    strengths = [float(lam) * penalty for lam in grid]
    model = SampleModel.of(sample, members, penalty, grid)
    W = np.repeat(model.coefs[None], len(members.weight), axis=0)
    b = np.repeat(model.intercepts[None], len(members.weight), axis=0)
    best: _Best | None = None
    passes = 1
    while passes < most:
        sums = _evaluate(source, shared, members, W, b)
        passes += 1
        found = bounded(sums, members.weight, members.center, members.scale, W, strengths)
        best = _Best.of(W, b, found, sums) if best is None else best.better(W, b, found, sums)
        if (best.found.gap <= tol * members.null_loss[:, None]).all():
            break
        W, b = best.next(model, penalty, grid, W, b)
    assert best is not None  # there is one pass at least
    return _told(best, members, moments, grid, tol, passes)


def _first_pass(source: RowSource, shared: SharedPreparation) -> tuple[Moments, ClassSample]:
    p = len(shared.names)
    sample = ClassSample(min(ROWS_PER_COLUMN * p, SAMPLED_NUMBERS // p) // 2)
    state = PassState.start(shared)
    for found in _prepared(source, shared):
        wrong = np.flatnonzero((found.y != 0) & (found.y != 1))
        if wrong.size:
            raise DataError(
                f"target {brief(shared.target.name)}, row {found.rows[wrong[0]] + 1}: {found.y[wrong[0]]:g}; a logistic path"
                " needs 0 and 1"
            )
        state.gathering.add(found.X, found.y, None if shared.weights is None else found.weight, found.parts)
        sample.add(_in_units(found.X, shared), found)
    return state.moments(shared, source.name), sample


def _prepared(source: RowSource, shared: SharedPreparation) -> Any:
    schema: dict[str, Any] = {}
    for block in source.checked(schema):
        rows = block.first + np.arange(block.frame.height, dtype=np.int64)
        found = shared.prepared(block.frame, rows, block.place)
        if len(found.y):
            yield found


def _in_units(X: Float, shared: SharedPreparation) -> Float:
    return np.ascontiguousarray((X - shared.shift[:-1]) / shared.scale[:-1])


def _members(moments: Moments) -> Members:
    sums, own = moments.sums.values, moments.preparation
    total = sums[1:].sum(axis=0)
    trained = np.stack([total, *(total - fold for fold in sums[1:])])
    weight = trained[:, 0, 0]
    mean = trained[:, 0, 1:] / weight[:, None]
    about = trained[:, 1:, 1:] / weight[:, None, None] - mean[:, :, None] * mean[:, None, :]
    spread = np.sqrt(np.maximum(np.diagonal(about, axis1=1, axis2=2)[:, :-1], 0.0))
    scale = np.where(spread > 0, spread, 1.0)
    share = own.shift[-1] + own.scale[-1] * mean[:, -1]
    null = -about[:, :-1, -1] * own.scale[-1] / scale
    return Members(weight, mean[:, :-1], scale, share, null)


def _evaluate(source: RowSource, shared: SharedPreparation, members: Members, W: Float, b: Float) -> Evaluated:
    """One pass: standardised coefficients (M, L, p) and intercepts (M, L) of centred columns."""
    raw = W / members.scale[:, None]
    one = LogisticPass(raw, b - np.einsum("mlp,mp->ml", raw, members.center))
    for found in _prepared(source, shared):
        one.add(_in_units(found.X, shared), found.y, None if shared.weights is None else found.weight, found.parts)
    return one.sums


@dataclass(frozen=True, eq=False)
class SampleModel:
    """The sample's path, standardised as all rows are, and at each λ its Hessian's part that the intercept leaves.

    ``coefs`` (L, p), ``intercepts`` (L,); ``roots`` (L, p, p) with Hessian RᵀR; ``own`` (L,) the intercept's curvature,
    ``cross`` (L, p) its product with the columns.
    """

    coefs: Float
    intercepts: Float
    roots: Float
    own: Float
    cross: Float

    @staticmethod
    def of(sample: ClassSample, members: Members, penalty: Penalty, grid: Float) -> SampleModel:
        """Fit the sample, and take its Hessians."""
        X, y, weight = sample.drawn()
        X = (X - members.center[0]) / members.scale[0]
        weight = weight / weight.sum()
        spec = PathSpec(Logistic(), penalty, standardize=False, tol=1e-7)
        path = fit_linear(spec, X, y, weight[None], grid.tolist())[0]
        roots, own, cross = [], [], []
        for coef, intercept in zip(path.coefs, path.intercepts, strict=True):
            chance = 1.0 / (1.0 + np.exp(-(X @ coef + intercept)))
            curvature = weight * chance * (1.0 - chance)
            total, mixed_ = curvature.sum(), curvature @ X
            H = (X * curvature[:, None]).T @ X - np.multiply.outer(mixed_, mixed_) / total
            H[np.diag_indices_from(H)] += RIDGE * np.trace(H) / len(H)
            roots.append(np.linalg.cholesky(H).T)
            own.append(total)
            cross.append(mixed_)
        return SampleModel(path.coefs, path.intercepts, np.stack(roots), np.array(own), np.stack(cross))

    def step(self, penalty: Penalty, grid: Float, W: Float, b: Float, found: Bounded) -> tuple[Float, Float]:
        """The minima of all quadratic models: ½(v − w)ᵀH(v − w) + gᵀ(v − w) + λΩ(v), the members as outputs of one problem."""
        members, p = W.shape[0], W.shape[2]
        spec = PathSpec(penalty=penalty, fit_intercept=False, standardize=False, tol=1e-10)
        size = np.sqrt(members * p / 2.0)
        new = np.empty_like(W)
        for i, (lam, root) in enumerate(zip(grid.tolist(), self.roots, strict=True)):
            g = found.gradient[:, i] - np.multiply.outer(found.slope[:, i] / self.own[i], self.cross[i])
            ahead = root @ W[:, i].T - np.linalg.solve(root.T, g.T)
            ones = np.ones((1, p))
            path = fit_linear(spec, size * root, size * ahead, ones, [lam])[0]
            new[:, i] = path.coefs[0].T
        moved = np.einsum("lp,mlp->ml", self.cross, new - W)
        return new, b - (found.slope + moved) / self.own


@dataclass(frozen=True, eq=False)
class _Best:
    """The best coefficients so far of each member and λ, with what a pass said of them."""

    W: Float
    b: Float
    found: Bounded
    sums: Evaluated
    risen: Any

    @staticmethod
    def of(W: Float, b: Float, found: Bounded, sums: Evaluated) -> _Best:
        """The first."""
        return _Best(W, b, found, sums, np.zeros(b.shape, dtype=bool))

    def better(self, W: Float, b: Float, found: Bounded, sums: Evaluated) -> _Best:
        """Member by member and λ by λ the one of lower F."""
        risen = found.objective > self.found.objective
        wide = risen[..., None]
        return _Best(
            np.where(wide, self.W, W),
            np.where(risen, self.b, b),
            Bounded(
                *(
                    np.where(wide if new.ndim == 3 else risen, old, new)
                    for old, new in zip(self.found, found, strict=True)
                )
            ),
            sums._replace(
                held_out=np.where(risen, self.sums.held_out, sums.held_out),
                tested=np.where(risen[0], self.sums.tested, sums.tested),
                loss=np.where(risen, self.sums.loss, sums.loss),
            ),
            risen,
        )

    def next(self, model: SampleModel, penalty: Penalty, grid: Float, W: Float, b: Float) -> tuple[Float, Float]:
        """Where the next pass looks: a step from the best, or half the way to where F had risen."""
        new, intercepts = model.step(penalty, grid, self.W, self.b, self.found)
        half = self.risen[..., None]
        return (
            np.where(half, (self.W + W) / 2.0, new),
            np.where(self.risen, (self.b + b) / 2.0, intercepts),
        )


def _told(best: _Best, members: Members, moments: Moments, grid: Float, tol: float, passes: int) -> StreamedPath:
    own, sums = moments.preparation, moments.sums.values
    gaps = np.maximum(best.found.gap, 0.0) / members.null_loss[:, None]
    raw = best.W[0] / members.scale[0]
    coefs = raw / own.scale[:-1]
    losses = best.sums.loss[:, 0].sum(axis=0) / members.weight[0]
    path = LinearPath(
        lambdas=grid, losses=losses, penalties=best.found.objective[0] - losses,
        certificates=tuple(Certificate(Measure.DUALITY_GAP, float(g), tol) for g in gaps[0]),
        null_loss=float(members.null_loss[0]), saturated_loss=0.0, loss=Logistic(), n_features=len(own.names),
        interrupted=False, coefs=coefs,
        intercepts=best.b[0] - raw @ members.center[0] - coefs @ own.shift[:-1],
        standardized_coefs=best.W[0], problem=None,
    )  # fmt: skip
    held = sums[1:, 0, 0]
    scores = Scores(grid, best.sums.held_out[1:] / held[:, None], held * own.weight_unit)
    return StreamedPath(path, scores, best.sums.tested / max(sums[TEST, 0, 0], 1e-300), passes, float(gaps.max()), moments)
