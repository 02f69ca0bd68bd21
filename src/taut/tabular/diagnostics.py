"""Diagnostics: what the rows said along the path, kept as sums, shares and quantiles of many rows, never of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import taut.path as paths
import taut.selection as selection
import taut.solvers as solvers
from taut.design import Target
from taut.losses import Loss
from taut.model_file import Reader, pack, unpack
from taut.tabular.inputs import PreparedData, SplitRows
from taut.tabular.test_scores import TestedModel, score_model
from taut.tabular.words.equivalents import plain_strengths
from taut.types import Float

if TYPE_CHECKING:
    from taut.estimators import Candidate, Fitted, Plan
    from taut.path import Path
    from taut.selection import Data, Folds, TradeOff
    from taut.solvers import Progress

Tensors = dict[str, NDArray[Any]]

MAX_USES = 2_000_000
"""Shares of fits that use a feature are kept up to this many (λ, feature) pairs."""
MAX_MOMENTS = 100
"""Second moments are kept for at most this many features."""
MAX_GROUPS = 12
GROUP_ROWS = 10
"""Out-of-fold rows are summed up in at most ``MAX_GROUPS`` groups of at least ``GROUP_ROWS`` rows."""
MAX_CURVES = 12
"""Classes are shown one by one up to this many; beyond it, the class predicted stands for all."""
HELD_OUT_ROWS = 6_000
HELD_OUT_CELLS = 20_000_000
FEW_ROWS = 1_000
"""From more out-of-fold rows than these, or cells of them (but not below a thousand rows), evenly spaced ones are taken."""
TOGETHER = 1 << 22
"""Predictions of the test rows that are held together."""
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """What a report shows and the model does not need; every part is None where it is not known.

    ``test`` (L, 2): score and second number of the held-out test rows at each λ. ``uses`` (L, p): share of the ``folds``
    cross-validation fits that use a feature. ``groups`` (L, B, C): out-of-fold rows in B groups of equal size by their
    prediction; for numbers C = 6: mean prediction, and the 10, 25, 50, 75, 90 % quantiles of y − prediction; for classes
    C = 3: mean probability of the second class, the share that has it, and the rows; more than two classes: those three
    of the class predicted, then of each class, its groups by its own probability (no single classes beyond ``MAX_CURVES``).
    ``moments`` (p + 1, p + 1): Σ s a aᵀ over the standardised training rows a = (x, y − offset), weights s summing to one:
    squared loss, p ≤ 100, n > p. ``shape``: λ1 and λ2 of λ = 1, where every coefficient of a linear model is penalised by
    λ1|w| + λ2w² alike. ``tradeoff``: the bootstrap, where it was asked for.
    """

    test: Float | None = None
    uses: Float | None = None
    folds: int = 0
    groups: Float | None = None
    moments: Float | None = None
    shape: tuple[float, float] | None = None
    tradeoff: TradeOff | None = None


class DiagnosticRows(NamedTuple):
    """The training rows, and the folds that held them out (None where no row was held out)."""

    data: Data
    folds: Folds | None


def gather_diagnostics(
    prepared: PreparedData, plan: Plan, rows: DiagnosticRows, fitted: Fitted, progress: Progress | None = None
) -> Diagnostics:
    """Ask the rows once, while they are there; bootstrap fits are made where the options ask for some."""
    chosen, fits = fitted.chosen, prepared.setting.options.bootstrap
    return Diagnostics(
        test=_test(plan.spec.loss, chosen.path, prepared.test, prepared.setting.target),
        uses=_uses(chosen.paths[1:], chosen.path),
        folds=len(chosen.paths) - 1,
        groups=_groups(chosen, rows),
        moments=_moments(plan, chosen.path, prepared.train),
        shape=plain_strengths(chosen.spec.penalty, chosen.path.n_features)
        if is_plain(plan, chosen)
        else None,
        tradeoff=_tradeoff(chosen, rows.data, fits, progress, plan.adaptive),
    )


def is_plain(plan: Plan, chosen: Candidate) -> bool:
    """Whether the path is that of the penalty itself: no factors of a pilot in it, nothing relaxed."""
    return plan.adaptive == 0.0 and chosen.gamma == 1.0


def _test(loss: Loss, path: Path, test: SplitRows | None, target: Target) -> Float | None:
    if test is None or test.weight.sum() == 0:
        return None
    judged = (score_model(loss, TestedModel("", eta), test, target) for eta in _etas(path, test))
    return np.array([[one.score, one.second] for one in judged])


def _etas(path: Path, test: SplitRows) -> Iterator[Float]:
    """η (n[, k]) at one λ after the other; a linear path reads X once for as many as ``TOGETHER`` allows."""
    X, offset = test.X, test.offset
    if not isinstance(path, paths.LinearPath):
        yield from (path.decision_at(X, index, offset) for index in range(len(path)))
        return
    step = max(1, TOGETHER // (X.shape[0] * max(1, path.intercepts[0].size)))
    for start in range(0, len(path), step):
        yield from np.moveaxis(path.decisions(X, slice(start, start + step), offset), 1, 0)


def _uses(paths: Sequence[Path], whole: Path) -> Float | None:
    """The share (L, p) of the folds' fits that use each feature."""
    length = min((len(path) for path in paths), default=0)
    if length < len(whole) or length * whole.n_features > MAX_USES:
        return None
    total = np.zeros((length, whole.n_features))
    for path in paths:
        total += path.used[:length]
    return total / len(paths)


def _groups(chosen: Candidate, rows: DiagnosticRows) -> Float | None:
    """What the folds' fits say of rows they did not see, at every λ; at most some thousand rows are asked."""
    data, folds, paths = rows.data, rows.folds, chosen.paths[1:]
    if folds is None or len(paths) != len(folds) or min(map(len, paths)) < len(chosen.path):
        return None
    ever = np.unique(np.concatenate(folds.test))
    ever = ever[data.weight[ever] > 0]
    asked = ever[
        :: max(1, -(-ever.size // max(FEW_ROWS, min(HELD_OUT_ROWS, HELD_OUT_CELLS // data.X.shape[1]))))
    ]
    count = min(MAX_GROUPS, asked.size // GROUP_ROWS)
    if count < 2:
        return None
    eta = _held_out(paths, folds, data, asked)
    _, y, weight, _ = data.rows(asked)
    loss = chosen.spec.loss
    means = (np.asarray(loss.inverse_link(eta[:, i])) for i in range(eta.shape[1]))
    tell = _shares if loss.traits.classes else _residuals
    return np.array([tell(mean, y, weight, count) for mean in means])


def _held_out(paths: Sequence[Path], folds: Folds, data: Data, asked: NDArray[np.intp]) -> Float:
    """η (m, L[, k]) of the rows ``asked`` by a fit of a fold that held them out (the last one, where several did)."""
    found: Float | None = None
    for path, test in zip(paths, folds.test, strict=True):
        places = np.flatnonzero(np.isin(asked, test))
        X, _, _, offset = data.rows(asked[places])
        eta = selection.decisions(path, X, len(path), offset)
        found = np.empty((asked.size, *eta.shape[1:])) if found is None else found
        found[places] = eta
    assert found is not None  # there are folds
    return found


def _cut(values: Float, count: int) -> list[NDArray[np.intp]]:
    """Rows in ``count`` groups of equal size, by ascending ``values``."""
    return np.array_split(np.argsort(values, kind="stable"), count)


def _residuals(mean: Float, y: Float, weight: Float, count: int) -> Float:
    """(B, 6): mean prediction and quantiles of y − prediction of each group."""
    summed = []
    for rows in _cut(mean, count):
        share = weight[rows] / weight[rows].sum()
        cuts = np.quantile(y[rows] - mean[rows], QUANTILES, weights=share, method="inverted_cdf")
        summed.append([float(share @ mean[rows]), *cuts.tolist()])
    return np.array(summed)


def _shares(mean: Float, y: Float, weight: Float, count: int) -> Float:
    """(B, 3) for two classes, (B, 3 + 3k) for k more: see ``Diagnostics``."""
    if mean.ndim == 1:
        return _share(mean, y, weight, count)
    each = range(mean.shape[1]) if mean.shape[1] <= MAX_CURVES else ()
    top = _share(mean.max(axis=1), mean.argmax(axis=1) == y, weight, count)
    return np.hstack([top, *(_share(mean[:, c], y == c, weight, count) for c in each)])


def _share(predicted: Float, has: NDArray[Any], weight: Float, count: int) -> Float:
    """(B, 3): mean predicted probability, share that has the class, and number of rows of each group."""
    summed = []
    for rows in _cut(predicted, count):
        share = weight[rows] / weight[rows].sum()
        summed.append([float(share @ predicted[rows]), float(share @ has[rows]), float(rows.size)])
    return np.array(summed)


def _moments(plan: Plan, path: Path, train: SplitRows) -> Float | None:
    """Second moments of standardised rows: enough to solve the squared loss again, under any penalty."""
    n, p = train.X.shape
    spec = plan.spec
    suits = isinstance(path, paths.LinearPath) and spec.loss.traits.constant_curvature and train.y.ndim == 1
    asked = spec.standardize and spec.fit_intercept and not spec.penalize_biases
    if not (suits and asked and p <= MAX_MOMENTS and n > p):
        return None
    matrix, y = solvers.as_matrix(train.X), train.shifted[:, None]
    shift = solvers.first_means(matrix, y, train.weight)
    found = solvers.partition(matrix, y, train.weight, np.zeros(n, dtype=np.intp), 1, shift)[0]
    about = found.about(found.mean)
    spread = np.sqrt(np.maximum(np.diag(about), 0.0))
    scale = np.where(spread > 0, spread, 1.0)
    return about / np.multiply.outer(scale, scale)


def _tradeoff(
    chosen: Candidate, data: Data, fits: int, progress: Progress | None, adaptive: float
) -> TradeOff | None:
    if fits == 0:
        return None
    spec, grid = chosen.spec, chosen.path.lambdas
    return selection.bootstrap(spec, data, grid, fits, spec.random_state, progress, adaptive=adaptive)


class Encoded(NamedTuple):
    """Diagnostics as a document of small numbers and the tensors it names."""

    document: dict[str, Any]
    tensors: Tensors


SHARES = ("frequencies", "ever_used")
CURVES = ("error", "variance", "bias", "corrected_variance", "corrected_bias")


def encode_diagnostics(evidence: Diagnostics) -> Encoded:
    """For a model file: parts that are None are left out."""
    shape = None if evidence.groups is None else list(evidence.groups.shape[1:])
    strengths = None if evidence.shape is None else list(evidence.shape)
    document: dict[str, Any] = {"folds": evidence.folds, "groups": shape, "shape": strengths}
    tensors: Tensors = {}
    if evidence.test is not None:
        tensors["evidence.test"] = evidence.test
    if evidence.uses is not None:
        tensors |= pack("evidence.uses", evidence.uses)
    if evidence.groups is not None:
        tensors["evidence.groups"] = evidence.groups
    if evidence.moments is not None:
        tensors["evidence.moments"] = evidence.moments
    if evidence.tradeoff is not None:
        found = evidence.tradeoff
        document["bootstrap"] = [found.fits, found.rows, found.resample]
        for name in SHARES:
            tensors |= pack(f"evidence.{name}", getattr(found, name))
        tensors["evidence.curves"] = np.array([getattr(found, name) for name in CURVES])
    document["uses"] = evidence.uses is not None
    return Encoded(document, tensors)


def decode_diagnostics(document: dict[str, Any], reader: Reader, path: Path) -> Diagnostics:
    """The diagnostics that ``encode_diagnostics`` wrote, every part of it checked against the path's length and features."""
    length, p = len(path), path.n_features
    shape, drawn, strengths = (document.get(name) for name in ("groups", "bootstrap", "shape"))

    def optional(name: str, *shape: int) -> Float | None:
        return reader.take(name, *shape) if reader.has(name) else None

    return Diagnostics(
        test=optional("evidence.test", length, 2),
        uses=unpack("evidence.uses", reader, (length, p)) if document.get("uses") else None,
        folds=int(document.get("folds", 0)),
        groups=None if shape is None else optional("evidence.groups", length, *(int(s) for s in shape)),
        moments=optional("evidence.moments", p + 1, p + 1),
        shape=None if strengths is None else (float(strengths[0]), float(strengths[1])),
        tradeoff=None if drawn is None else _decode_tradeoff(drawn, reader, path),
    )


def _decode_tradeoff(drawn: list[Any], reader: Reader, path: Path) -> TradeOff:
    length = len(path)
    curves = dict(zip(CURVES, reader.take("evidence.curves", len(CURVES), length), strict=True))
    shares = {name: unpack(f"evidence.{name}", reader, (length, path.n_features)) for name in SHARES}
    fits, rows, resample = drawn
    return selection.TradeOff(
        lambdas=path.lambdas, fits=int(fits), rows=int(rows), resample=str(resample), **curves, **shares
    )
