"""A path of someone else's network: dense to sparse, each λ from the one before, and the record of what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any, TypeAlias, final

import numpy as np

from taut.integrations.account import Account, columns
from taut.integrations.regularized import Regularized
from taut.integrations.report import PathPart, histograms, write
from taut.messages import written
from taut.penalties import number
from taut.report import Histogram

Validate: TypeAlias = Callable[[], Any]

REACH = (0.3, 20.0)
"""Where a grid starts and ends, in units of λ_hi: networks leave the dense one in between."""

COLLAPSED = 0.5
"""The share of the way back to the null model's score at which a path ends."""


@final
@dataclass(frozen=True)
class PathPoint:
    """One network of a path: its λ, its weights in numbers, what ``validate`` said, its parameters, and their histograms.

    With ``refit`` the score after it and the refitted parameters, else None; ``snapshot`` is of the penalised one.
    """

    lam: float
    account: Account
    score: float
    snapshot: Any
    bars: tuple[Histogram, ...] = ()
    refit_score: float | None = None
    refit_snapshot: Any = None

    @property
    def best_score(self) -> float:
        """The lower of the two scores."""
        return self.score if self.refit_score is None else min(self.score, self.refit_score)


@final
@dataclass(frozen=True)
class SparsityPath:
    """The networks of a path from dense to sparse; ``null_score`` is that of the network without its penalised weights."""

    points: tuple[PathPoint, ...]
    null_score: float
    regularizer: Regularized

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> PathPoint:
        return self.points[index]

    def __iter__(self) -> Iterator[PathPoint]:
        return iter(self.points)

    @property
    def lambdas(self) -> list[float]:
        """λ of each network, 0 first."""
        return [point.lam for point in self.points]

    @property
    def scores(self) -> list[float]:
        """What ``validate`` said of each."""
        return [point.score for point in self.points]

    @property
    def sparsity(self) -> list[float]:
        """The share of penalised weights that is 0."""
        return [point.account.sparsity for point in self.points]

    @property
    def best(self) -> int:
        """The place of the lowest score, refits included."""
        return int(np.argmin([point.best_score for point in self.points]))

    def sparsest(self, within: float) -> int:
        """The place of the network with the most zeros whose score is at most ``within`` above the dense one's."""
        limit = self.points[0].score + within
        allowed = [i for i, point in enumerate(self.points) if point.best_score <= limit]
        return max(allowed, key=lambda i: self.points[i].account.zeros, default=0)

    def restore(self, index: int, refitted: bool | None = None) -> None:
        """Bring a network back into the model, and its λ into the regularizer.

        ``refitted``: the refitted one, or the penalised one; None takes the one with the lower score.
        """
        point = self.points[index]
        better = point.refit_score is not None and point.refit_score <= point.score
        take = better if refitted is None else refitted
        if take and point.refit_snapshot is None:
            raise ValueError("this path has no refits: walk it with refit=True")
        self.regularizer.restore(point.refit_snapshot if take else point.snapshot)
        self.regularizer.lam = point.lam

    def rows(self) -> list[tuple[str, ...]]:
        """A row of texts for each network."""
        return [
            (
                f"{i}",
                f"{point.lam:.4g}",
                f"{point.account.weights - point.account.zeros:,}",
                f"{100 * point.account.sparsity:.1f}",
                f"{point.score:.4g}",
                "–" if point.refit_score is None else f"{point.refit_score:.4g}",
            )
            for i, point in enumerate(self.points)
        ]

    def __str__(self) -> str:
        return "\n".join(
            [*columns([PATH_HEAD, *self.rows()]), f"without penalised weights: {self.null_score:.4g}"]
        )

    def report(self, file: str | FilePath) -> FilePath:
        """Write a page on the path: one HTML file that asks nothing of any network."""
        refits = [point.refit_score for point in self.points]
        part = PathPart(PATH_HEAD, self.rows(), self.scores, refits, self.best)
        accounts = [point.account for point in self.points]
        return write(FilePath(file), "A network's path", accounts, self.points[self.best].bars, part)


PATH_HEAD = ("network", "λ", "non-zero", "zeros %", "validation", "refit")


def walk(
    reg: Regularized,
    train: Callable[[], Any],
    validate: Validate,
    lambdas: int | Sequence[float],
    *,
    loss: Validate | None,
    refit: bool,
    trained: bool,
) -> SparsityPath:
    """The path; see ``taut.torch.Regularizer.path``."""
    counted = lambdas if isinstance(lambdas, int) else None
    fixed = [] if isinstance(lambdas, int) else _given(lambdas)
    reg.lam = 0.0
    if not trained:
        train()
    points = [PathPoint(0.0, reg.account(), _score(validate), reg.snapshot(), histograms(reg.weights()))]
    with reg.null():
        null_score = _score(validate)
        null_loss = null_score if loss is None else _score(loss)
    if counted is not None:
        dense_loss = points[0].score if loss is None else _score(loss)
        fixed = _grid(reg, null_loss - dense_loss, counted)
    limit = points[0].score + COLLAPSED * (null_score - points[0].score)
    for lam in fixed:
        points.append(_point(reg, float(lam), train, validate, refit))
        if counted is not None and points[-1].best_score >= limit:
            break
    reg.restore(points[0].snapshot)
    reg.lam = 0.0
    return SparsityPath(tuple(points), null_score, reg)


def _given(lambdas: Sequence[float]) -> list[float]:
    """Strengths, checked to rise."""
    found = [number("lambdas", lam) for lam in lambdas]
    if not found or any(b <= a for a, b in pairwise(found)):
        raise ValueError(
            f"lambdas must rise, because each network starts from the denser one before it, got {written(lambdas)}"
        )
    return found


def _grid(reg: Regularized, gain: float, count: int) -> list[float]:
    """λ from below λ_hi = gain/Ω upwards, evenly spaced in their logarithm."""
    if count < 1:
        raise ValueError(f"lambdas must be at least 1, got {count}")
    reg.lam = 1.0
    value = reg.account().value
    if not gain > 0 or not value > 0:
        raise ValueError(
            "the trained network is not better than the one without penalised weights, so that no scale of λ follows from it:"
            " train it longer, or give lambdas=[…]"
        )
    return [float(lam) for lam in gain / value * np.geomspace(*REACH, count)]


def _point(
    reg: Regularized, lam: float, train: Callable[[], Any], validate: Validate, refit: bool
) -> PathPoint:
    reg.lam = lam
    train()
    found = PathPoint(lam, reg.account(), _score(validate), reg.snapshot(), histograms(reg.weights()))
    if not refit:
        return found
    with reg.zeros_held():
        train()
    both = replace(found, refit_score=_score(validate), refit_snapshot=reg.snapshot())
    reg.restore(found.snapshot)
    return both


def _score(validate: Validate) -> float:
    score = float(validate())
    if not np.isfinite(score):
        raise ValueError(f"validate() must return a finite number, lower is better, got {score}")
    return score
