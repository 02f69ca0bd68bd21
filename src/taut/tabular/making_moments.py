"""Making moments: ``taut.moments``, one call from rows that no memory holds to sums from which ``taut.fit`` fits everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.design import SAMPLE, Expansion, Overrides, Quantity
from taut.streaming import (
    Assignment,
    Moments,
    MomentsRequest,
    SharedPreparation,
    is_distributed,
    powers_of_two,
    source_of,
    sum_up,
    sum_up_partitions,
)

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord


def moments(
    source: Any,
    target: str | None = None,
    folds: int = 10,
    *,
    test_size: float = 0.2,
    seed: int = 0,
    task: str | None = None,
    weights: str | None = None,
    groups: str | None = None,
    preparation: Moments | SharedPreparation | FitRecord | None = None,
    categorical: str | Sequence[str] = (),
    numeric: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
    interactions: bool = False,
    degree: int = 1,
    splines: int = 0,
    first_row: int = 0,
    sample: int = SAMPLE,
    checkpoint: str | Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Moments:
    """Sum up the rows of a table of any size: what the squared loss needs for path, cross-validation, choice and test.

    Two passes read ``source`` in blocks: the first learns types, levels and medians of the training rows, the second sums
    Σ w a aᵀ over the rows a = (1, x, y) of the test part and of each fold. Memory does not grow with the rows.

    Parameters
    ----------
    source : files (a name, a pattern such as ``"sales/*.parquet"``, or several), a data frame of any kind, a polars
        LazyFrame, a pyarrow dataset, a dask frame or array (columns x1 … xp), an iterable of frames, or a function that returns
        one. An iterator is laid down on disk.
    target : the column of numbers to predict; known where ``preparation`` is given.
    folds : how many folds there are; a hash of the row's number, or of its cell in ``groups``, says which one holds it out.
    test_size, seed : share of rows held out for the test, and what draws them and the folds.
    task : ``"regression"`` for a target of two values, which ``taut.fit`` would take for classes.
    weights : a column of row weights ≥ 0.
    groups : a column of groups that no fold and no test part splits.
    preparation : that of other moments (or they themselves), or a ``Fit``: what makes moments addable. There is one pass then.
    categorical, numeric, drop, keep : columns to read as categories or as numbers, to leave out, or to keep.
    interactions, degree, splines : products of pairs, powers, and splines with so many knots, as in ``taut.fit``.
    first_row : the number of the first row, where the source continues another one.
    sample : rows that medians are taken from where there are more; they are drawn by a hash of their numbers.
    checkpoint : a file in which an unfinished second pass is kept; the same call goes on from there, to the same bits.
    progress : called with the rows of each block.

    Returns ``Moments``. Raises ``DataError`` for rows that cannot be used, and where a part has fewer than 10 of them.

    Chan, Golub and LeVeque, *Algorithms for computing the sample variance* (American Statistician 37:242, 1983).
    """
    assignment = Assignment(folds, test_size, seed, groups)
    if preparation is None:
        said = Overrides(*map(names_of, (categorical, numeric, drop, keep)))
        made = Expansion(interactions, degree, splines)
        asked: MomentsRequest | SharedPreparation = MomentsRequest(
            _named(target), task, assignment, weights, said, made, sample, first_row
        )
        assignment.check()
    else:
        asked = _shared(preparation, assignment, weights)
        if target not in (None, asked.target.name):
            raise ValueError(f"the preparation is for the target {asked.target.name!r}, not {target!r}")
    if is_distributed(source):
        if checkpoint is not None:
            raise ValueError("checkpoint: a cluster computes anew what is lost; leave it out")
        return sum_up_partitions(source, asked, first_row)
    place = None if checkpoint is None else Path(checkpoint)
    return sum_up(source_of(source), asked, first_row, progress, place)


def _named(target: str | None) -> str:
    if not isinstance(target, str):
        raise ValueError("target: name the column to predict")
    return target


def names_of(names: str | Sequence[str]) -> tuple[str, ...]:
    """One name or several."""
    return (names,) if isinstance(names, str) else tuple(names)


def _shared(
    given: Moments | SharedPreparation | FitRecord, assignment: Assignment, weights: str | None
) -> SharedPreparation:
    if isinstance(given, Moments):
        return given.preparation
    if isinstance(given, SharedPreparation):
        return given
    from taut.tabular.record import FitRecord  # whoever has a fit has imported what it needs

    if isinstance(given, FitRecord):
        return shared_with_fit(given, assignment, weights)
    raise ValueError(f"preparation: give moments, their preparation, or a fit, not {type(given).__name__}")


def shared_with_fit(fit: FitRecord, assignment: Assignment, weights: str | None) -> SharedPreparation:
    """The preparation of a fit: sums are taken about the medians, in units of the standard deviations, of its rows."""
    setting, spread = fit.setting, fit.spread
    target, options = setting.target, setting.options
    if not isinstance(target, Quantity) or target.log or options.offset is not None:
        raise ValueError(
            "the preparation of a fit serves sums where its target is a number as it stands, without an offset"
        )
    if setting.preparation.words:
        raise ValueError(
            "the preparation of a fit serves sums where no column of it is a text whose words are features"
        )
    assignment.check()
    medians = dict(
        zip(
            (r.source for r in setting.preparation.numbers.reads),
            setting.preparation.numbers.medians,
            strict=True,
        )
    )
    shift = np.array([medians.get(name, 0.0) for name in setting.preparation.names])
    center = float(np.ravel(fit.decide(shift[None]))[0])
    said = {
        "categorical": list(options.categorical), "numeric": list(options.numeric), "drop": list(options.drop),
        "keep": list(options.keep), "interactions": options.interactions, "degree": options.degree,
        "splines": options.splines,
    }  # fmt: skip
    return SharedPreparation(
        setting.preparation, target, assignment, weights, np.append(shift, center),
        powers_of_two(np.append(spread.features, spread.target)), setting.sizes.columns, 1.0, said, setting.reason,
    )  # fmt: skip
