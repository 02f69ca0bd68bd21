"""Derived features: powers, natural splines and pairwise products of the columns, on request.

A number x enters as u = (x − m)/s with its training mean and standard deviation, 0/1 features as they are. So x² is not
almost a copy of x, and a product is not almost a copy of a factor: the lasso can tell them apart.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from taut.design.faults import DataError
from taut.types import Float

MAX_DERIVED = 100_000
"""Features that may be asked for: each is a column of the matrix."""
MAX_CELLS = 1 << 28
"""Cells of the whole matrix (8 bytes each)."""


@dataclass(frozen=True)
class Expansion:
    """What is asked for: products of all pairs of columns, powers up to ``degree``, splines with so many knots."""

    interactions: bool = False
    degree: int = 1
    splines: int = 0

    def check(self) -> None:
        """ValueError where a number is out of range."""
        if not 1 <= self.degree <= 9:
            raise ValueError(f"degree must be between 1 (no powers) and 9, got {self.degree}")
        if self.splines != 0 and not 3 <= self.splines <= 50:
            raise ValueError(f"splines must be 0 (none) or between 3 and 50 knots, got {self.splines}")


class TermKind(enum.IntEnum):
    """How a derived feature is made from one or two others."""

    POWER = 0
    SPLINE = 1
    PRODUCT = 2


class Term(NamedTuple):
    """One derived feature: of feature ``first``, and its power, the number of its spline, or the other feature."""

    kind: TermKind
    first: int
    second: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """The features that it is made from."""
        return (self.first, self.second) if self.kind is TermKind.PRODUCT else (self.first,)


@dataclass(frozen=True)
class Derived:
    """The derived features behind the p plain ones: ``center`` and ``scale`` (p,), knots of each (on u; may be none)."""

    center: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    knots: tuple[tuple[float, ...], ...] = ()
    terms: tuple[Term, ...] = ()

    def names(self, plain: Sequence[str]) -> tuple[str, ...]:
        """The names of the terms: "x^2", "x spline 1", "x:z"."""
        return tuple(_name(term, plain) for term in self.terms)

    def sources(self, plain: Sequence[str]) -> tuple[str, ...]:
        """The table's column behind each term, two joined by a colon for a product."""
        return tuple(":".join(plain[j] for j in term.inputs) for term in self.terms)

    def columns(self, matrix: Float) -> Float:
        """The terms (n, q) of the plain features (n, p)."""
        u = (matrix - np.asarray(self.center)) / np.asarray(self.scale) if self.terms else matrix
        made = np.empty((matrix.shape[0], len(self.terms)), order="F")
        for j, term in enumerate(self.terms):
            made[:, j] = self._column(u, term)
        return made

    def _column(self, u: Float, term: Term) -> Float:
        if term.kind is TermKind.PRODUCT:
            return np.asarray(u[:, term.first] * u[:, term.second])
        if term.kind is TermKind.POWER:
            return np.asarray(u[:, term.first] ** term.second)
        return natural_spline(u[:, term.first], np.asarray(self.knots[term.first]), term.second)

    def take(self, terms: Sequence[int], plain: Sequence[int]) -> Derived:
        """The given terms alone, over the given plain features alone (which include all that they are made from)."""
        place = {old: new for new, old in enumerate(plain)}
        moved = [self.terms[t] for t in terms]
        kept = tuple(
            Term(t.kind, place[t.first], place[t.second] if t.kind is TermKind.PRODUCT else t.second)
            for t in moved
        )
        return Derived(
            tuple(self.center[j] for j in plain),
            tuple(self.scale[j] for j in plain),
            tuple(self.knots[j] for j in plain),
            kept,
        )


def _name(term: Term, plain: Sequence[str]) -> str:
    if term.kind is TermKind.PRODUCT:
        return f"{plain[term.first]}:{plain[term.second]}"
    return f"{plain[term.first]}{'^' if term.kind is TermKind.POWER else ' spline '}{term.second}"


def natural_spline(u: Float, knots: Float, number: int) -> Float:
    """N_number(u), number = 1..K−2, of the natural cubic splines with K knots ξ: linear beyond the outer knots.

    d_k(u) = ((u − ξ_k)₊³ − (u − ξ_K)₊³)/(ξ_K − ξ_k),  N_k = d_k − d_{K−1}, here divided by (ξ_K − ξ_1)².
    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning* (2nd ed.), eq. 5.4-5.5.
    """
    last = knots[-1]

    def d(k: int) -> Float:
        cubes = np.maximum(u - knots[k], 0.0) ** 3 - np.maximum(u - last, 0.0) ** 3
        return np.asarray(cubes / (last - knots[k]))

    return np.asarray((d(number - 1) - d(len(knots) - 2)) / (last - knots[0]) ** 2)


def learn_derived(
    matrix: Float, columns: Sequence[str], numeric: Sequence[bool], asked: Expansion
) -> Derived:
    """Learn centres, scales and knots from the training matrix (n, p); ``columns`` says which column each is from."""
    asked.check()
    if asked == Expansion():
        return Derived()
    flags = np.asarray(numeric, dtype=bool)
    center = np.where(flags, matrix.mean(axis=0), 0.0)
    scale = np.where(flags, matrix.std(axis=0), 1.0)
    knots = [
        _knots((matrix[:, j] - center[j]) / scale[j], asked.splines) if flags[j] else ()
        for j in range(len(flags))
    ]
    terms = tuple(_terms(flags, knots, columns, asked))
    size = matrix.shape[0] * (len(terms) + len(columns))
    if len(terms) > MAX_DERIVED or size > MAX_CELLS:
        raise DataError(
            f"{len(terms)} derived features of {matrix.shape[0]} rows are too many; leave columns out (drop),"
            " or ask for less (interactions, degree, splines)"
        )
    return Derived(tuple(center.tolist()), tuple(scale.tolist()), tuple(knots), terms)


def _terms(
    numeric: Any, knots: Sequence[tuple[float, ...]], columns: Sequence[str], asked: Expansion
) -> Iterator[Term]:
    for j in np.flatnonzero(numeric).tolist():
        yield from (Term(TermKind.POWER, j, power) for power in range(2, asked.degree + 1))
        yield from (Term(TermKind.SPLINE, j, number) for number in range(1, len(knots[j]) - 1))
    if asked.interactions:
        pairs = combinations(range(len(columns)), 2)
        yield from (Term(TermKind.PRODUCT, i, j) for i, j in pairs if columns[i] != columns[j])


def _knots(u: Float, count: int) -> tuple[float, ...]:
    """Knots at equal shares of the rows between the 5th and the 95th percentile; none where fewer than 3 differ."""
    if not count:
        return ()
    found = np.unique(np.quantile(u, np.linspace(0.05, 0.95, count)))
    return tuple(found.tolist()) if len(found) >= 3 else ()
