"""Hints: what a table suggests and a fit does not do by itself, each with the option that does it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.design import Classes, Part, Preparation, Reason, Target, are_sentences, clean, identifiers
from taut.tabular.options import Options

Float = NDArray[np.float64]

FEW = 10
"""So many different whole numbers are few."""
LARGEST_COUNT = 10_000.0
FEWEST_ROWS = 20
SKEW_OF_COUNTS = 0.5
LONG_TAIL = 1.0
"""Skewness from which a target has a long tail; its logarithm must have less than half of it."""
SPREAD = 10.0
"""The largest value must be so many times the smallest."""
MOST_CODES = 1000
ROWS_PER_CODE = 5
SHOWN = 4

_CODES = re.compile(
    r".*(code|class|type|category|zip|plz)"
    r"|(.*[_. -])?(month|mon|weekday|dow|day[_. ]?of[_. ]?week|quarter|qtr|cat|group|region|district|sector|store|dept)",
    re.IGNORECASE,
)


def find_hints(
    target: Target, y: Float, X: Any, rows: NDArray[np.int64], preparation: Preparation, options: Options
) -> tuple[str, ...]:
    """What the target y (n,), NaN where missing, and the training rows X (m, p), ``rows`` of the table, suggest."""
    known = y[~np.isnan(y)]
    found = [] if isinstance(target, Classes) else [*_of_target(clean(target.name), known, options)]
    if isinstance(X, np.ndarray):
        found += _of_columns(X, rows, preparation)
    return (*found, *_of_texts(preparation))


def _of_texts(preparation: Preparation) -> Iterator[str]:
    names = [clean(x.name) for x in preparation.left_out if x.reason is Reason.FREE_TEXT]
    if names:
        hold, them = (
            ("hold free text and are", "them") if len(names) > 1 else ("holds free text and is", "it")
        )
        yield f"{_listed(names)} {hold} left out: {_asked('text', names)} makes words of {them}"
    for levels in preparation.categories:
        every = (*levels.levels, *levels.pooled)
        if 2 * len(levels.pooled) > len(every) and are_sentences(every):
            name, rare = clean(levels.source), f"{len(levels.pooled)} of its {len(every)} levels are rare"
            yield (
                f"{name} is read as a category, and {rare} and have no coefficient of their own: {_asked('text', [name])} makes"
                " words of it"
            )


def _of_target(name: str, y: Float, options: Options) -> Iterator[str]:
    if len(y) < FEWEST_ROWS or options.loss is not None or options.log_target:
        return
    distinct = np.unique(y)
    whole = bool((distinct == np.round(distinct)).all())
    if whole and _are_counts(y):
        yield f"{name} holds counts, whole numbers from {distinct[0]:g} to {distinct[-1]:g}: --loss poisson models them"
    elif whole and len(distinct) <= FEW and options.task is None:
        yield (
            f"{name} holds {len(distinct)} different whole numbers ({distinct[0]:g} to {distinct[-1]:g}):"
            " --task classification takes them as classes"
        )
    elif _has_long_tail(y):
        yield f"{name} is positive and has a long tail: --log-target fits its logarithm"


def _are_counts(y: Float) -> bool:
    return bool(0 <= y.min() <= 1 and 3 <= y.max() <= LARGEST_COUNT and _skewness(y) >= SKEW_OF_COUNTS)


def _has_long_tail(y: Float) -> bool:
    if y.min() <= 0 or y.max() < SPREAD * y.min():
        return False
    skewness = _skewness(y)
    return skewness >= LONG_TAIL and abs(_skewness(np.log(y))) < skewness / 2


def _skewness(y: Float) -> float:
    """m₃/m₂^(3/2), central moments about the mean."""
    away = (y - y.mean()) / (y.std() or 1.0)
    return float((away**3).mean())


def _of_columns(X: Float, rows: NDArray[np.int64], preparation: Preparation) -> Iterator[str]:
    numbers = {read.source for read in preparation.numbers.reads if read.part is Part.VALUE}
    names, sources = preparation.plain_names, preparation.plain_sources
    plain = [j for j, name in enumerate(names) if name == sources[j] and name in numbers]
    if len({*sources}) == 1 and plain and identifiers(X[:, plain], [names[plain[0]]], rows).any():
        name = clean(names[plain[0]])
        yield f"{name} looks like an id, and is kept because it is the only column: {_asked('drop', [name])} if it is one"
    codes = [clean(names[j]) for j in plain if _CODES.fullmatch(names[j]) and _look_like_codes(X[:, j])]
    if codes:
        look = "look" if len(codes) > 1 else "looks"
        yield f"{_listed(codes)} {look} like codes: {_asked('categorical', codes)} reads them as categories"


def _look_like_codes(column: Float) -> bool:
    """Whether a column holds whole numbers of which each stands in several rows."""
    some = column[:MOST_CODES]
    if not (some == np.round(some)).all():
        return False
    distinct = np.unique(column)
    several = 3 <= len(distinct) <= min(MOST_CODES, len(column) / ROWS_PER_CODE)
    return several and bool(distinct[0] >= 0 and (distinct == np.round(distinct)).all())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _asked(option: str, names: Sequence[str]) -> str:
    return " ".join(f"--{option} {shlex.quote(name)}" for name in names[:SHOWN])
