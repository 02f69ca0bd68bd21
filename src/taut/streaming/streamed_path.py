"""Streamed paths: the path of rows that no memory holds, from a sample's and a few passes that correct all λ at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

import narwhals as nw
import numpy as np

from taut.design import DataError, brief
from taut.losses import Loss
from taut.path import LinearPath
from taut.penalties import Penalty
from taut.selection import Scores
from taut.solvers import Certificate, Measure
from taut.streaming.assignment import TEST
from taut.streaming.certificates import Bounded, bounded
from taut.streaming.gathering import learn
from taut.streaming.learning import MomentsRequest
from taut.streaming.likelihood_pass import Evaluated, LikelihoodPass, StreamedLikelihood, Totals
from taut.streaming.logistic import StreamedLogistic
from taut.streaming.moments import Moments
from taut.streaming.passing import PassState
from taut.streaming.poisson import StreamedPoisson
from taut.streaming.sample_model import ClassSample, Members, SampleModel
from taut.streaming.shared import PreparedRows, SharedPreparation
from taut.streaming.sources import RowSource, check_unchanged
from taut.types import Float

ROWS_PER_COLUMN = 200
SAMPLED_NUMBERS = 1 << 24
KNOTS = 12
"""Strengths at which Hessians of all rows are summed up, once."""


LIKELIHOODS: dict[str, StreamedLikelihood] = {"logistic": StreamedLogistic(), "poisson": StreamedPoisson()}


@final
@dataclass(frozen=True, eq=False, repr=False)
class StreamedPath:
    """What ``taut.stream_path`` returns.

    ``path`` of all training rows, with a certificate per λ; ``scores`` by the folds; ``tested`` (L,) the mean loss of the
    test part, NaN without one; ``passes`` over the rows, that of the preparation included; ``worst`` the largest certificate
    of all folds and λ; ``moments`` of the same rows, with their preparation.
    """

    path: LinearPath
    scores: Scores
    tested: Float
    passes: int
    worst: float
    moments: Moments

    def predict(self, table: Any, lam: float | None = None) -> Float:
        """The mean (n,) of the target, for classes the probability of a 1, in the rows of a frame: at ``lam`` of the path, by
        default ``scores.lam_min``."""
        frame = nw.from_native(table, eager_only=True)
        X = self.moments.preparation.preparation.transform(frame).matrix
        return self.path.predict(X, self.scores.lam_min if lam is None else lam)

    def __str__(self) -> str:
        best, rule = self.scores.index_min, self.scores.index_1se
        met = sum(c.met for c in self.path.certificates)
        lines = [
            ("Passes", f"{self.passes} over {self.moments.rows:,} rows of {len(self.moments.names)} features"),
            ("Path", f"{met} of {len(self.path)} λ certified, worst gap"
             f" {max(c.value for c in self.path.certificates):.0e}, of the folds {self.worst:.0e}"),
            *((name, f"λ {self.path.lambdas[i]:.6f}  {self.path.nonzeros[i]} features  loss"
               f" {self.scores.mean[i]:.4f} ± {self.scores.standard_error[i]:.4f}, test {self.tested[i]:.4f}")
              for name, i in (("min", best), ("1se", rule))),
        ]  # fmt: skip
        return "\n".join(f"{label:<9}{text}" for label, text in lines)

    def __repr__(self) -> str:
        return f"<taut.StreamedPath of {len(self.path)} λ in {self.passes} passes>"


def stream(
    source: RowSource,
    asked: MomentsRequest | SharedPreparation,
    loss: str,
    penalty: Penalty,
    lambdas: int,
    tol: float,
    most: int,
) -> StreamedPath:
    """The path of a source, in at most ``most`` passes, the one that learns a preparation included."""
    if loss not in LIKELIHOODS:
        raise ValueError(f"loss must be one of {[*LIKELIHOODS]}, got {loss!r}")
    first_row = asked.first_row if isinstance(asked, MomentsRequest) else 0
    before = source.signature()
    known = isinstance(asked, SharedPreparation)
    shared = asked if isinstance(asked, SharedPreparation) else learn(source, asked)
    found = likelihood_path(
        source, LIKELIHOODS[loss], shared, penalty, lambdas, tol, most - (not known), first_row
    )
    check_unchanged(before, source.signature())
    return found if known else replace(found, passes=found.passes + 1)


def likelihood_path(
    source: RowSource,
    likelihood: StreamedLikelihood,
    shared: SharedPreparation,
    penalty: Penalty,
    lambdas: int = 100,
    tol: float = 1e-6,
    most: int = 8,
    first_row: int = 0,
) -> StreamedPath:
    """The path of all training rows and of each fold's, every λ corrected in each of at most ``most`` passes.

    The first pass takes moments, which give λ_max, scales and null models exactly, and a sample by class of 200 rows a
    column. The sample's path and Hessians are then corrected by exact gradients of all λ and all folds in a pass each: a
    quasi-Newton step solves the penalised quadratic model of every λ, and is halved where F rose.
    """
    moments, sample, saturated = _first_pass(source, likelihood, shared, first_row)
    members = _members(moments, likelihood, saturated)
    top = penalty.lambda_max(members.null[0])
    if not (np.isfinite(top) and penalty.traits.convex and penalty.traits.separable):
        raise ValueError("penalty: passes solve L1 and the elastic net, with an l1_ratio above 0")
    grid = np.asarray(top * np.geomspace(1.0, 1e-4, lambdas))
    strengths = [float(lam) * penalty for lam in grid]
    model = SampleModel.of(sample, members, penalty, grid)
    W = np.repeat(model.coefs[None], len(members.weight), axis=0)
    b = np.repeat(model.intercepts[None], len(members.weight), axis=0)
    best: _Best | None = None
    passes = 1
    hessian_at = tuple(np.unique(np.linspace(0, lambdas - 1, KNOTS).astype(int)).tolist())
    while passes < max(most, 2):
        one = _evaluate(
            source, likelihood, shared, first_row, members, (W, b), hessian_at if passes == 1 else ()
        )
        sums, moved = one.finished(members.totals)
        b = b + moved
        if passes == 1:
            model.correct(hessian_at, one.hessians, members)
        passes += 1
        found = bounded(sums, members.weight, members.center, members.scale, W, strengths)
        best = _Best.of(W, b, found, sums) if best is None else best.better(W, b, found, sums)
        if (best.found.gap <= tol * members.unit[:, None]).all():
            break
        W, b = best.next(model, penalty, grid, W, b)
    assert best is not None  # there is one pass at least
    return _told(best, members, likelihood.loss, moments, grid, tol, passes)


def _first_pass(
    source: RowSource, likelihood: StreamedLikelihood, shared: SharedPreparation, first_row: int
) -> tuple[Moments, ClassSample, Float]:
    """Moments, a sample, and the saturated loss Σ w ℓ of each part."""
    p = len(shared.names)
    sample = ClassSample(likelihood, min(ROWS_PER_COLUMN * p, SAMPLED_NUMBERS // p) // 2)
    state, saturated = PassState.start(shared), np.zeros(shared.assignment.folds + 1)
    for rows in _prepared(source, shared, first_row):
        wrong = np.flatnonzero(~likelihood.suits(rows.y))
        if wrong.size:
            place = f"target {brief(shared.target.name)}, row {rows.rows[wrong[0]] + 1}"
            raise DataError(f"{place}: {rows.y[wrong[0]]:g}; {likelihood.needs}")
        state.gathering.add(rows.X, rows.y, None if shared.weights is None else rows.weight, rows.parts)
        sample.add(_in_units(rows.X, shared), rows)
        floor = np.asarray(likelihood.loss.saturated(rows.y))
        saturated += np.bincount(rows.parts, rows.weight * floor, len(saturated))
    if not sample.keys[1].size:
        raise DataError(
            f"target {brief(shared.target.name)}: all training rows are 0; {likelihood.needs}, and not 0 alone"
        )
    found = state.moments(shared, source.name)
    found.check()
    return found, sample, saturated


def _prepared(source: RowSource, shared: SharedPreparation, first_row: int) -> Iterator[PreparedRows]:
    schema: dict[str, Any] = {}
    for block in source.checked(schema):
        rows = first_row + block.first + np.arange(block.frame.height, dtype=np.int64)
        found = shared.prepared(block.frame, rows, block.place)
        if len(found.y):
            yield found


def _in_units(X: Float, shared: SharedPreparation) -> Float:
    return np.ascontiguousarray((X - shared.shift[:-1]) / shared.scale[:-1])


def _members(moments: Moments, likelihood: StreamedLikelihood, saturated: Float) -> Members:
    sums, own = moments.sums.values, moments.preparation
    total = sums[1:].sum(axis=0)
    trained = np.stack([total, *(total - fold for fold in sums[1:])])
    weight = trained[:, 0, 0]
    mean = trained[:, 0, 1:] / weight[:, None]
    about = trained[:, 1:, 1:] / weight[:, None, None] - mean[:, :, None] * mean[:, None, :]
    spread = np.sqrt(np.maximum(np.diagonal(about, axis1=1, axis2=2)[:, :-1], 0.0))
    scale = np.where(spread > 0, spread, 1.0)
    target = own.shift[-1] + own.scale[-1] * mean[:, -1]
    null = -about[:, :-1, -1] * own.scale[-1] / scale
    # Σ w y x from sums about the shift of y; the test part stands first, where member 0 judges.
    crossed = own.scale[-1] * trained[:, 1:-1, -1] + own.shift[-1] * trained[:, 0, 1:-1]
    totals = Totals(target * weight, own.shift[-1] * sums[:, 0, 0] + own.scale[-1] * sums[:, 0, -1], crossed)
    floor = np.concatenate([[saturated[1:].sum()], saturated[1:].sum() - saturated[1:]]) / weight
    return Members(weight, mean[:, :-1], scale, null, likelihood.null_loss(target), floor, totals)


def _evaluate(
    source: RowSource,
    likelihood: StreamedLikelihood,
    shared: SharedPreparation,
    first_row: int,
    members: Members,
    point: tuple[Float, Float],
    hessian_at: tuple[int, ...],
) -> LikelihoodPass:
    """One pass at a point: standardised coefficients (M, L, p) and intercepts (M, L) of centred columns."""
    W, b = point
    raw = W / members.scale[:, None]
    one = likelihood.start(raw, b - np.einsum("mlp,mp->ml", raw, members.center), hessian_at)
    for found in _prepared(source, shared, first_row):
        one.add(
            _in_units(found.X, shared), found.y, None if shared.weights is None else found.weight, found.parts
        )
    return one


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

    def next(
        self, model: SampleModel, penalty: Penalty, grid: Float, W: Float, b: Float
    ) -> tuple[Float, Float]:
        """Where the next pass looks: a step from the best, or half the way to where F had risen."""
        models = model.models(self.W[0], self.b[0])
        new, intercepts = models.step(penalty, grid, self.W, self.b, self.found)
        half = self.risen[..., None]
        return (
            np.where(half, (self.W + W) / 2.0, new),
            np.where(self.risen, (self.b + b) / 2.0, intercepts),
        )


def _told(
    best: _Best, members: Members, loss: Loss, moments: Moments, grid: Float, tol: float, passes: int
) -> StreamedPath:
    own, sums = moments.preparation, moments.sums.values
    gaps = np.maximum(best.found.gap, 0.0) / members.unit[:, None]
    raw = best.W[0] / members.scale[0]
    coefs = raw / own.scale[:-1]
    losses = best.sums.loss[:, 0].sum(axis=0) / members.weight[0]
    path = LinearPath(
        lambdas=grid, losses=losses, penalties=best.found.objective[0] - losses,
        certificates=tuple(Certificate(Measure.DUALITY_GAP, float(g), tol) for g in gaps[0]),
        null_loss=float(members.null_loss[0]), saturated_loss=float(members.saturated_loss[0]), loss=loss,
        n_features=len(own.names),
        interrupted=False, coefs=coefs,
        intercepts=best.b[0] - raw @ members.center[0] - coefs @ own.shift[:-1],
        standardized_coefs=best.W[0], problem=None,
    )  # fmt: skip
    held = sums[1:, 0, 0]
    scores = Scores(grid, best.sums.held_out[1:] / held[:, None], held * own.weight_unit)
    tested = best.sums.tested / sums[TEST, 0, 0] if sums[TEST, 0, 0] > 0 else np.full(len(grid), np.nan)
    return StreamedPath(path, scores, tested, passes, float(gaps.max()), moments)
