"""Grids that go on: where a network's folds still gain at the weak end of its grid, by a factor of ten at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from taut.estimators.candidate import Candidate
from taut.path import LinearPath, NetworkPath, Path
from taut.selection import Scores
from taut.types import Float

LAST_PART = 6
"""The grid goes on where the smallest loss lies in its last sixth."""
FACTOR = 0.1
"""What λ falls by at a time."""
ROUNDS = 4


def go_on(candidate: Candidate, fit: Callable[[Float], Candidate]) -> Candidate:
    """The network's candidate with a longer grid, as long as its held-out loss falls with it.

    ``fit`` makes a candidate of the same folds on further strengths, spaced as those before. They are taken where they hold
    the smallest loss, F does not rise over the seam, and the network is not the linear model where it is best.
    """
    for _ in range(ROUNDS):
        if not _still_falls(candidate):
            break
        lambdas = candidate.path.lambdas
        ratio = float(lambdas[-1] / lambdas[-2])
        count = max(1, round(np.log(FACTOR) / np.log(ratio)))
        tail = fit(lambdas[-1] * ratio ** np.arange(1, count + 1))
        if tail.path.interrupted:
            raise KeyboardInterrupt
        if not _gains(candidate, tail):
            break
        paths = tuple(_joined(*pair) for pair in zip(candidate.paths, tail.paths, strict=True))
        candidate = replace(candidate, paths=paths, scores=_joined_scores(candidate.scores, tail.scores))
    return candidate


def _still_falls(candidate: Candidate) -> bool:
    """Whether the best network lies at the weak end, and is no linear model."""
    scores, path = candidate.scores, candidate.path
    if scores is None or isinstance(path, LinearPath) or path.interrupted or len(path) < LAST_PART:
        return False
    assert isinstance(path, NetworkPath)  # there are two kinds of path
    best = scores.deciding.index_min
    return best >= len(path) - len(path) // LAST_PART and not path.linear[best] and path.lambdas[-1] > 0.0


def _gains(candidate: Candidate, tail: Candidate) -> bool:
    assert candidate.scores is not None  # asked by ``_still_falls``
    assert tail.scores is not None  # made on the same folds
    lower = np.nanmin(tail.scores.deciding.mean) < np.nanmin(candidate.scores.deciding.mean)
    return bool(lower and tail.path.objectives[0] <= candidate.path.objectives[-1])


def _joined(head: Path, tail: Path) -> Path:
    assert isinstance(head, NetworkPath)
    assert isinstance(tail, NetworkPath)
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(head, name), getattr(tail, name)])
        for name in ("lambdas", "losses", "penalties", "linear")
    }
    certificates = (*head.certificates, *tail.certificates)
    return replace(head, **arrays, certificates=certificates, params=(*head.params, *tail.params))


def _joined_scores(head: Scores | None, tail: Scores | None) -> Scores | None:
    if head is None or tail is None:
        return None
    along: dict[str, Any] = {
        name: None
        if getattr(head, name) is None
        else np.concatenate([getattr(head, name), getattr(tail, name)], axis)
        for name, axis in (("lambdas", 0), ("folds", 1), ("losses", 1), ("predictions", 1), ("errors", 0))
    }
    # What is kept of rows depends on how many strengths there are.
    for name in ("losses", "predictions"):
        if getattr(tail, name) is None:
            along[name] = None
    joined = {name: _joined_scores(own, tail.measures[name]) for name, own in head.measures.items()}
    measures = {name: own for name, own in joined.items() if own is not None}
    return replace(head, **along, measures=measures)
