"""Cross-validation: every fold fitted on one grid in one call, every row judged where it was held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Unpack, final

import numpy as np

from taut.families import family_of
from taut.options import SpecOptions
from taut.path import ORDER, LinearPath, Path, PathSpec, make_spec, relaxations, tells_nothing
from taut.selection.adaptive import fit_members
from taut.selection.data import Data, as_data, decisions, strata
from taut.selection.early_stop import early_stop_for
from taut.selection.folds import Folds, make_folds
from taut.selection.held_out import BlockSums, Collector, HeldOutLoss
from taut.selection.scores import Scores, marked, with_measures
from taut.selection.scoring import measure_folds
from taut.signature import explains_arguments
from taut.solvers import Progress
from taut.types import Float

KEPT_BYTES = 1 << 22
"""Out-of-fold losses and predictions of all rows at all λ are kept up to this size each."""


class CrossValidation(NamedTuple):
    """The scores by the loss, and the paths they come from: the one of all rows first, then one per fold."""

    scores: Scores
    paths: tuple[Path, ...]

    @property
    def measures(self) -> Mapping[str, Scores]:
        """``Scores`` by name for every scorer that was asked for, each as a loss: minus the score."""
        return self.scores.measures


@explains_arguments(
    SpecOptions, order=f"{ORDER} scoring adaptive relax frequency_weights early_stop progress", penalty=None
)
def cross_validate(
    X: Any,
    y: Any,
    *,
    cv: Any = 10,
    groups: Any = None,
    lambdas: int | Sequence[float] | Float = 100,
    sample_weight: Any = None,
    offset: Any = None,
    scoring: Any = None,
    adaptive: float = 0.0,
    relax: float = 1.0,
    frequency_weights: bool = False,
    early_stop: bool = True,
    progress: Progress | None = None,
    **options: Unpack[SpecOptions],
) -> CrossValidation:
    """Fit a path on all rows and on each fold's training rows, and judge the fold on its held-out rows.

    ``cv`` is a number of shuffled folds (stratified where y has classes), a scikit-learn splitter, or an
    iterable of (train, test) rows; ``groups`` is handed to the splitter; the other arguments are those of
    ``fit_path``. The grid comes from all rows. Each fold standardises by its own training rows, so nothing of
    the held-out rows reaches it. ``scoring`` names scikit-learn scorers to judge by beside the loss; ``adaptive``
    > 0 multiplies the penalty's factors by 1/|β|^adaptive of a pilot ridge fit (``adaptive_penalty``), ``relax`` < 1
    blends every path with unpenalised refits (``taut.relax``); both are done anew in each fold.
    ``frequency_weights`` says that weights count repetitions, which the pilot's AIC then counts; a fold holds a row out with
    all of them. ``early_stop``: where ``lambdas`` is a number, all paths of a linear model end together where the held-out
    loss has exceeded its minimum by more than one standard error (two with fewer than ten folds) for five λ running, if the
    engine walks along them side by side; with ``scoring`` or ``adaptive`` they do not.

    Returns ``CrossValidation(scores, paths)``: ``Scores`` in the units of y, weighted by ``sample_weight``
    (``scores.measures`` by the scorers), and the paths of all rows, which knows its λ by the names ``"min"`` and ``"1se"``
    too (``paths[0].coef("1se")``), and of each fold. Raises ValueError
    where an argument is not valid or a fold cannot be fitted: one that trains on no row of some class, say.

    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning* (2nd ed.), §7.10.
    """
    spec = make_spec(**options)
    data = as_data(spec, X, y, sample_weight, offset, sample_weight if frequency_weights else None)
    folds = make_folds(
        cv, data.X, data.y, sample_weight=data.weight, labels=strata(spec.loss, data.y), groups=groups,
        random_state=spec.random_state,
    )  # fmt: skip
    early = early_stop and scoring is None
    fitted = score_folds(spec, data, folds, lambdas, progress, adaptive, early_stop=early)
    fitted = relaxed(spec, fitted, data, folds, [relax])[0]
    measures = measure_folds(spec, fitted.paths[1:], data, folds, scoring)
    scores = with_measures(fitted.scores, measures)
    return CrossValidation(scores, (marked(fitted.paths[0], scores), *fitted.paths[1:]))


def score_folds(
    spec: PathSpec,
    data: Data,
    folds: Folds,
    lambdas: Any = 100,
    progress: Progress | None = None,
    adaptive: float = 0.0,
    linear: Sequence[LinearPath] | None = None,
    classes: Any = None,
    early_stop: bool = False,
) -> CrossValidation:
    """Cross-validate ``spec`` on validated rows and folds.

    ``linear``: the linear paths of all rows and of each fold on this grid, for a network that is compared with them;
    ``classes`` (k,): the labels behind the codes in y; ``early_stop``: end all paths where it is enough, if that can be seen
    (``early_stop_for``). Raises ValueError where a fold has no training weight, and where
    its training rows lack a class, or any count above 0.
    """
    weights = folds.weights(data.weight)
    _check_folds(spec, data, folds, adaptive, classes)
    stop = early_stop_for(spec, data, folds, lambdas) if early_stop and not adaptive else None
    heard = None if progress is None else _CountedProgress(progress)
    paths = fit_members(replace(spec, stop=stop), data, weights, lambdas, heard, adaptive, linear)
    if len(paths) < len(weights):
        raise KeyboardInterrupt
    if heard is not None and stop is not None and stop.end is not None:
        heard(lambdas * len(paths) - heard.total)  # what is spared is done with
    return CrossValidation(_scores(spec, paths, data, folds), tuple(paths))


def relaxed(
    spec: PathSpec, fitted: CrossValidation, data: Data, folds: Folds, gammas: Sequence[float]
) -> list[CrossValidation]:
    """The cross-validation with every path relaxed, once for each blend γ (1 is the path as it is)."""
    if all(gamma == 1.0 for gamma in gammas):
        return [fitted for _ in gammas]
    blends: list[list[Path]] = [[] for _ in gammas]
    for path in fitted.paths:
        if not isinstance(path, LinearPath):
            raise ValueError(
                "a network is not relaxed: its weights have no unpenalised solution; use hidden=()"
            )
        for blend, one in zip(blends, relaxations(path, list(gammas)), strict=True):
            blend.append(one)
    return [CrossValidation(_scores(spec, blend, data, folds), tuple(blend)) for blend in blends]


def held_out_losses(spec: PathSpec, fitted: CrossValidation, index: int, data: Data, folds: Folds) -> Float:
    """Out-of-fold loss (n,) of every row at grid position ``index``; NaN where never held out."""
    if fitted.scores.losses is not None:
        return fitted.scores.losses[:, index]
    measure = HeldOutLoss.of(spec, data)
    held = Collector(data.y.shape[0], ())
    for path, test in zip(fitted.paths[1:], folds.test, strict=True):
        X, y, _, offset = data.rows(test)
        held.add(test, measure.rows(path.decision_at(X, index, offset), y))
    return held.mean()


@final
class _CountedProgress:
    """Hands on what is finished, and knows how much that is."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self.total = progress, 0

    def __call__(self, count: int) -> None:
        self.total += count
        self._progress(count)


def held_out_decisions(fitted: CrossValidation, index: int, data: Data, folds: Folds) -> Float:
    """Out-of-fold η (n,) or (n, k) of every row at grid position ``index``; NaN where never held out."""
    if fitted.scores.predictions is not None:
        return fitted.scores.predictions[:, index]
    held: Collector | None = None
    for path, test in zip(fitted.paths[1:], folds.test, strict=True):
        X, _, _, offset = data.rows(test)
        eta = path.decision_at(X, index, offset)
        held = held or Collector(data.y.shape[0], eta.shape[1:])
        held.add(test, eta)
    assert held is not None  # there are folds
    return held.mean()


def _check_folds(spec: PathSpec, data: Data, folds: Folds, adaptive: float, classes: Any) -> None:
    """ValueError where a fold's training rows have no best intercept: its scores would be those of a bound on it."""
    if not spec.free_intercept:
        return
    for number, train in enumerate(folds.train, start=1):
        weight = train * data.weight
        gone = spec.loss.lacking(data.y, weight, classes)
        if not gone and adaptive and tells_nothing(data.y, weight, spec.loss, data.offset):
            gone = "rows of one y alone, of which no pilot of adaptive factors learns anything"
        if gone:
            stratified = spec.loss.traits.classes
            way = (
                "cv=StratifiedKFold(…), which deals every class to every fold"
                if stratified
                else "shuffled ones"
            )
            raise ValueError(
                f"fold {number} of {len(folds)} trains on {gone}: give fewer folds or {way}"
                f"{', or leave out the class' if stratified else ''}"
            )


def _scores(spec: PathSpec, paths: list[Path], data: Data, folds: Folds) -> Scores:
    # An interrupted run leaves short paths: what all of them reached is scored.
    length = min(len(path) for path in paths)
    means = _from_engine(paths[1:], length, data, folds)
    judged = _judged(spec, paths, length, data, folds) if means is None else _Judged(means)
    return Scores(
        paths[0].lambdas[:length], judged.means, folds.held_out_weights(data.weight), folds.repeats(data.weight),
        judged.losses, judged.eta, judged.errors,
        measure=family_of(spec.loss).judged_by, nonzeros=paths[0].nonzeros[:length],
    )  # fmt: skip


def _from_engine(paths: list[Path], length: int, data: Data, folds: Folds) -> Float | None:
    """Each fold's mean losses (K, L) as its engine had them for nothing, where the rows' own would not be kept."""
    kept = data.y.size * length * data.y.itemsize <= KEPT_BYTES or folds.blocks is not None
    if kept or not folds.judge_the_rest(data.weight):
        return None
    means = [p.held_out[:length] for p in paths if isinstance(p, LinearPath) and p.held_out is not None]
    if len(means) < len(paths) or not np.isfinite(means).all():
        return None
    return np.stack(means)


class _Judged(NamedTuple):
    """Each fold's mean losses (K, L); the rows' losses and η, where they were held out; errors by blocks (L,)."""

    means: Float
    losses: Float | None = None
    eta: Float | None = None
    errors: Float | None = None


def _judged(spec: PathSpec, paths: list[Path], length: int, data: Data, folds: Folds) -> _Judged:
    measure = HeldOutLoss.of(spec, data)
    means = np.full((len(folds), length), np.nan)
    held: list[Collector | None] = []
    blocks = None if folds.blocks is None else BlockSums.of(folds, data.weight, length)
    for fold, (path, test) in enumerate(zip(paths[1:], folds.test, strict=True)):
        X, y, weight, offset = data.rows(test)
        eta = decisions(path, X, length, offset)
        losses = np.stack([measure.rows(eta[:, i], y) for i in range(length)], axis=1)
        held = held or [_collector(data, losses), _collector(data, eta)]
        for collector, values in zip(held, (losses, eta), strict=True):
            if collector is not None:
                collector.add(test, values)
        if blocks is not None:
            blocks.add(test, losses)
        if weight.sum() > 0:
            means[fold] = (weight / weight.sum()) @ losses  # a mean of huge losses, not a sum
    losses_kept, eta_kept = (None if collector is None else collector.mean() for collector in held)
    return _Judged(means, losses_kept, eta_kept, None if blocks is None else blocks.error())


def _collector(data: Data, values: Float) -> Collector | None:
    n, shape = data.y.shape[0], values.shape[1:]
    return Collector(n, shape) if n * int(np.prod(shape)) * values.itemsize <= KEPT_BYTES else None
