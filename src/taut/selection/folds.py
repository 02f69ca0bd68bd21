"""Folds: how rows are split into the ones that a model learns from and the ones that it is judged on.

A split is kept as a vector of training multiplicities, zero on the held-out rows, because that is what a fit
is to a solver: one row-weight vector. Scaling, centring and the null model of a fold follow from its own
weights, so nothing of the held-out rows can leak into them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.messages import warn, written
from taut.path import check_groups
from taut.splitters import generator, splitters
from taut.types import Float, Index

NO_SPLIT = (
    "cv gave no split (an iterator that was read before?): give at least one pair (train, test), a splitter or a number of"
    " folds"
)
LARGE = 1 << 23
"""Numbers from which it is asked whether the memory holds them."""


@dataclass(frozen=True, eq=False)
class Folds:
    """K splits of n rows.

    ``train`` (K, n) says how often each row is trained on in each fold, in integers as small as that allows; ``test``
    has the held-out rows of each fold. ``blocks`` (n,) numbers what belongs together, a group or a stretch of time: rows of
    one block are no independent witnesses. None where every row stands alone.
    """

    train: NDArray[np.unsignedinteger[Any]]
    test: tuple[Index, ...]
    blocks: Index | None = None

    def __len__(self) -> int:
        return len(self.test)

    def weights(self, sample_weight: Float) -> Float:
        """Row weights (K + 1, n) of all fits: every row first, then the training rows of each fold."""
        weights = _room(len(self) + 1, sample_weight.size)
        weights[0] = sample_weight
        np.multiply(self.train, sample_weight, out=weights[1:])
        if not (weights.sum(axis=1) > 0).all():
            raise ValueError("a fold has no training row of positive weight; use fewer folds or other splits")
        return weights

    def held_out_weights(self, sample_weight: Float) -> Float:
        """Total weight (K,) of the held-out rows of each fold."""
        return np.array([sample_weight[rows].sum() for rows in self.test])

    def judge_the_rest(self, sample_weight: Float) -> bool:
        """Whether each fold is judged on just the rows that it does not train on, each once; rows of no weight apart."""
        counts = sample_weight > 0
        n = sample_weight.size
        judged = (np.bincount(rows, minlength=n) for rows in self.test)
        return all(
            np.array_equal(times[counts], (train == 0)[counts])
            for times, train in zip(judged, self.train, strict=True)
        )

    def repeats(self, sample_weight: Float) -> float:
        """How often a row is held out, averaged by weight over the rows that ever are: 1 for plain K-fold."""
        ever = np.bincount(np.concatenate(self.test), minlength=sample_weight.size) > 0
        total = float(sample_weight[ever].sum())
        return float(self.held_out_weights(sample_weight).sum()) / total if total > 0 else 1.0


def make_folds(
    cv: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Float,
    labels: NDArray[Any] | None = None,
    groups: Any = None,
    random_state: Any = None,
) -> Folds:
    """Split the rows by ``cv``: a number of folds, a scikit-learn splitter, or an iterable of (train, test).

    A number means shuffled folds of the rows of positive weight, stratified by ``labels`` (n,) where they are
    given. It is capped, with one warning, at the number of rows and at the size of the rarest class; the row
    of a class that has only one is trained on in every fold and never held out. With ``groups`` (n,) the folds of a
    number keep every group whole; a splitter is handed them. Groups are the blocks of the folds whatever ``cv`` is, and the
    stretches of a ``TimeSeriesSplit`` are.
    """
    n = sample_weight.shape[0]
    groups = check_groups(groups, n)
    if isinstance(cv, Folds):
        return cv
    used = np.flatnonzero(sample_weight > 0)
    if isinstance(cv, Integral) and groups is not None:
        folds = _grouped(int(cv), used, groups, labels, random_state)
    elif isinstance(cv, Integral):
        folds = _numbered(int(cv), used, n, labels, random_state)
    else:
        folds = from_splits(as_splitter(cv).split(X, y, groups), n)
    if groups is not None:
        return replace(folds, blocks=np.unique(groups, return_inverse=True)[1])
    return _in_stretches(folds) if isinstance(cv, splitters().TimeSeriesSplit) else folds


def from_splits(splits: Iterable[tuple[Any, Any]], n: int) -> Folds:
    """Folds of ``n`` rows from pairs (train, test) of row numbers or masks; trained on twice counts twice."""
    pairs = split_rows(splits, n)
    counts = []
    for number, (train, test) in enumerate(pairs):
        count = np.bincount(train, minlength=n)
        _check_split(number, count, test)
        counts.append(count.astype(np.min_scalar_type(count.max())))
    return Folds(np.stack(counts), tuple(test for _, test in pairs))


def as_splitter(cv: Any, y: Any = None, classifier: bool = False) -> Any:
    """``cv`` as scikit-learn's splitter; ValueError for what is none, and for an iterable of anything but pairs of rows."""
    if (
        cv is None
        or isinstance(cv, Integral)
        or (callable(getattr(cv, "split", None)) and not isinstance(cv, str))
    ):
        return splitters().check_cv(cv, y, classifier=classifier)
    wanted = "cv must be a number of folds, a splitter, or pairs (train, test) of row numbers"
    if not isinstance(cv, Iterable) or isinstance(cv, str):
        raise ValueError(f"{wanted}, got {written(cv)}")
    pairs = list(cv)
    for number, pair in enumerate(pairs):
        if not isinstance(pair, Sized) or len(pair) != 2:
            raise ValueError(f"{wanted}, and cv[{number}] is {written(pair)}")
    if not pairs:
        raise ValueError(NO_SPLIT)
    return splitters().check_cv(pairs)


def split_rows(splits: Iterable[tuple[Any, Any]], n: int) -> list[tuple[Index, Index]]:
    """The pairs (train, test) as row numbers; ValueError where there is none, or rows that ``n`` rows have not."""
    pairs = [(_rows(train, n), _rows(test, n)) for train, test in splits]
    if not pairs:
        raise ValueError(NO_SPLIT)
    return pairs


def ordered_folds(times: NDArray[Any], cv: int) -> Folds:
    """``cv`` folds that train on the past alone: fold k holds out the k-th of ``cv`` stretches of time after a first one.

    ``times`` (n,) may be anything that can be sorted; rows of one time are never parted. Raises ValueError where there
    are fewer than ``cv`` + 1 different times.
    """
    _at_least_two(cv)
    distinct, place = np.unique(times, return_inverse=True)
    if distinct.size < cv + 1:
        raise ValueError(
            f"{cv} folds in order of time need at least {cv + 1} different times, and there are {distinct.size}"
        )
    stretches = splitters().TimeSeriesSplit(cv).split(distinct)
    pairs = ((np.isin(place, train), np.isin(place, test)) for train, test in stretches)
    return _in_stretches(from_splits(pairs, place.size))


def _in_stretches(folds: Folds) -> Folds:
    """The folds with the rows that each of them holds out as one block; rows that none does are the first."""
    blocks = np.zeros(folds.train.shape[1], dtype=np.intp)
    for number, test in enumerate(folds.test, start=1):
        blocks[test] = number
    return replace(folds, blocks=blocks)


def repeated(draws: Sequence[Folds]) -> Folds:
    """The folds of several draws as one set."""
    tests = tuple(test for draw in draws for test in draw.test)
    return Folds(np.vstack([draw.train for draw in draws]), tests, draws[0].blocks)


def _grouped(asked: int, rows: Index, groups: NDArray[Any], labels: Any, random_state: Any) -> Folds:
    """Shuffled folds of whole groups, stratified as far as that goes; capped, with one warning, at their number."""
    _at_least_two(asked)
    n = groups.shape[0]
    own = groups[rows]
    count = np.unique(own).size
    if count < 2:
        raise ValueError(
            f"all rows are of one group, {written(own[0])}: folds of whole groups need at least two groups"
        )
    if count < asked:
        warn(f"cv={asked}: {count} folds are used, because there are {count} groups")
    splitter = splitters().GroupKFold if labels is None else splitters().StratifiedGroupKFold
    drawn = splitter(min(asked, count), shuffle=True, random_state=generator(random_state))
    strata = None if labels is None else labels[rows]
    pairs = [(rows[train], rows[test]) for train, test in drawn.split(own, strata, own) if test.size]
    return from_splits(pairs, n)


def _room(count: int, n: int) -> Float:
    """An array (count, n); in a file where many rows would fill the memory."""
    if count * n < LARGE:
        return np.empty((count, n))
    from taut.design import allocate  # tables are imported where there is a large one

    return allocate(n, count).T


def _at_least_two(asked: int) -> None:
    if asked < 2:
        raise ValueError(f"cv must be at least 2 folds, got {asked}")


def _rows(chosen: Any, n: int) -> Index:
    try:
        rows: Index = np.arange(n)[np.asarray(chosen)]
    except IndexError as error:
        raise ValueError(
            f"cv names rows that are not among the {n} rows of X, or no whole numbers: {written(chosen)}"
        ) from error
    return rows


def _check_split(number: int, train: NDArray[Any], test: Index) -> None:
    """``train`` (n,) counts how often each row is trained on."""
    if test.size == 0 or not train.any():
        raise ValueError(f"split {number} of cv has no {'held-out' if train.any() else 'training'} rows")
    if train[test].any():
        raise ValueError(f"split {number} of cv trains on rows that it holds out: their score is none")


def _numbered(asked: int, rows: Index, n: int, labels: NDArray[Any] | None, random_state: Any) -> Folds:
    _at_least_two(asked)
    if rows.size < 2:
        raise ValueError(f"cross-validation needs at least 2 rows, got n_samples = {rows.size}")
    strata = None if labels is None else labels[rows]
    movable, k = _movable(asked, strata, rows.size)
    splits = _splits(k, rows[movable], None if strata is None else strata[movable], random_state)
    train = np.zeros((k, n), dtype=np.uint8)
    train[:, rows] = 1
    for fold, test in zip(train, splits, strict=True):
        fold[test] = 0
    return Folds(train, tuple(splits))


def _movable(asked: int, strata: NDArray[Any] | None, n: int) -> tuple[NDArray[np.bool_], int]:
    """Which rows may be held out, and how many folds they allow; one warning where fewer than asked."""
    if strata is None:
        k, movable, reason = min(asked, n), np.ones(n, dtype=bool), f"there are {n} rows"
    else:
        k, movable, reason = _stratified_cap(asked, strata)
    if reason and (k < asked or not movable.all()):
        warn(f"cv={asked}: {k} folds are used, because {reason}")
    return movable, k


def _stratified_cap(asked: int, strata: NDArray[Any]) -> tuple[int, NDArray[np.bool_], str]:
    _, codes, counts = np.unique(strata, return_inverse=True, return_counts=True)
    movable: NDArray[np.bool_] = (counts > 1)[codes]
    if not movable.any():
        raise ValueError("every class has a single row: cross-validation needs at least 2 rows of a class")
    rarest = int(counts[counts > 1].min())
    reason = [f"the rarest class has {rarest} rows"] if rarest < asked else []
    if not movable.all():
        reason.append(f"{int((counts == 1).sum())} classes with a single row are never held out")
    return min(asked, rarest), movable, " and ".join(reason)


def _splits(k: int, rows: Index, strata: NDArray[Any] | None, random_state: Any) -> list[Index]:
    kinds = splitters()
    splitter = (kinds.KFold if strata is None else kinds.StratifiedKFold)(
        k, shuffle=True, random_state=generator(random_state)
    )
    return [rows[test] for _, test in splitter.split(rows, strata)]
