"""Bookmarks: how far a long call is, as arrays, so that the same call can go on from there to the same bits.

What an engine puts there it would otherwise have to compute again; what it can compute again with the same bits it
leaves out. When to put it is the keeper's business: the call itself takes the same way with a bookmark and without.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.solvers.base import LinearProblem, MemberPath, Progress, Solver
from taut.types import Float

Arrays = dict[str, NDArray[Any]]


class Bookmark(ABC):
    """Where one call is."""

    @abstractmethod
    def found(self) -> Arrays | None:
        """What an earlier, unfinished run of this very call has put; None where it is the first."""

    @abstractmethod
    def due(self) -> bool:
        """Whether the last one is old enough for another to be worth its time."""

    @abstractmethod
    def put(self, arrays: Arrays) -> None:
        """Keep these, float64, int64 or uint8, instead of the last ones."""


class Resumable(Solver):
    """An engine that finishes nothing before everything, and can go on from a bookmark."""

    @abstractmethod
    def resumed(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None,
        bookmark: Bookmark | None,
    ) -> tuple[MemberPath, ...]:
        """``paths`` from what ``bookmark`` has found, with the bits of a run that went on without a break."""

    def paths(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None = None,
    ) -> tuple[MemberPath, ...]:
        """All of it at once."""
        return self.resumed(problem, weights, lambdas, progress, None)


def taken(owner: Any, names: Iterable[str]) -> Arrays:
    """Copies of these attributes, arrays and numbers."""
    copies = {name: np.array(getattr(owner, name)) for name in names}
    return {name: a.view(np.uint8) if a.dtype == np.bool_ else a for name, a in copies.items()}


def give(owner: Any, names: Iterable[str], arrays: Arrays) -> None:
    """Set these attributes to what ``taken`` copied, with the types that they have."""
    for name in names:
        now, then = getattr(owner, name), arrays[name]
        setattr(owner, name, then.astype(now.dtype) if isinstance(now, np.ndarray) else type(now)(then))


def stacked(members: Sequence[Arrays]) -> Arrays:
    """The arrays of many members, of one kind under each name, as one array and its shapes."""
    out: Arrays = {}
    for name in members[0]:
        parts = [member[name] for member in members]
        out[name] = np.concatenate([part.ravel() for part in parts])
        out[f"{name} shape"] = np.array([part.shape for part in parts], dtype=np.int64)
    return out


def unstacked(arrays: Arrays) -> list[Arrays]:
    """What ``stacked`` put together."""
    names = [name for name in arrays if f"{name} shape" in arrays]
    members: list[Arrays] = [{} for _ in arrays[f"{names[0]} shape"]]
    for name in names:
        shapes = arrays[f"{name} shape"]
        parts = np.split(arrays[name], np.cumsum(shapes.prod(axis=1, dtype=np.int64))[:-1])
        for member, part, shape in zip(members, parts, shapes.tolist(), strict=True):
            member[name] = part.reshape(shape)
    return members
