"""Words: a path as glmnet prints it, degrees of freedom, deviance explained and λ, at ten places and at the named ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from taut.solvers import Certificate, Measure
from taut.types import Float

SHOWN_ROWS = 10


class Printable(Protocol):
    """What is read of a path."""

    @property
    def lambdas(self) -> Float:
        """(L,), the strongest first."""

    @property
    def nonzeros(self) -> NDArray[np.intp]:
        """(L,), how many features (weights of a network) are kept."""

    @property
    def deviance_explained(self) -> Float:
        """(L,), the share of the null model's loss that is explained."""

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """One per strength."""

    @property
    def named(self) -> Mapping[str, float]:
        """Strengths with a name."""

    def index(self, lam: float | str) -> int:
        """The place of a strength."""


def path_words(path: Printable) -> str:
    """A row for each of some ten λ between the ends: names of λ, Df (what is not zero), %Dev, λ."""
    last = len(path.lambdas) - 1
    if last < 0:
        return f"{path!r}"
    marks: dict[int, str] = {}
    for name in path.named:
        place = path.index(name)
        marks[place] = f"{marks[place]} {name}" if place in marks else name
    spaced = np.linspace(0, last, min(SHOWN_ROWS, last + 1)).round().astype(int).tolist()
    rows = [("", "Df", "%Dev", "λ"), *(_row(path, i, marks.get(i, "")) for i in sorted({*spaced, *marks}))]
    missed = sum(not c.met for c in path.certificates if c.measure is not Measure.STATIONARITY)
    notes = [f"{missed} of {last + 1} λ are not certified"] if missed else []
    return "\n".join([f"{path!r}", "", *_aligned(rows), *notes])


def _row(path: Printable, i: int, mark: str) -> tuple[str, ...]:
    explained = round(100.0 * float(path.deviance_explained[i]), 2) + 0.0
    return mark, f"{path.nonzeros[i]}", f"{explained:.2f}", f"{path.lambdas[i]:.4g}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[j]) for row in rows) for j in range(4)]
    return ["  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
