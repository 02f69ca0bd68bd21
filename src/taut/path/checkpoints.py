"""Checkpoints: finished parts of a fit, kept by name, so that the same fit can go on after it was ended by force.

A part is a document of words and numbers, and arrays. What is fitted decides the order of the parts, so a number per
call and the place inside it name them; the bits that come back are the bits that were kept. Who keeps them, and
where, is the caller's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from taut.solvers.base import Certificate, Measure, MemberPath
from taut.solvers.problem.resume import Arrays, Bookmark

MEASURES = tuple(Measure)


class StoredPart(NamedTuple):
    """Words and numbers that JSON holds, and arrays (float64, int64 or uint8)."""

    document: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


class CheckpointStore(ABC):
    """Where parts are kept."""

    @abstractmethod
    def call(self) -> str:
        """A name for the next call that fits something; the same fit makes the same calls in the same order."""

    @abstractmethod
    def recall(self, name: str) -> StoredPart | None:
        """The part of that name, None where it is not there."""

    @abstractmethod
    def keep(self, name: str, part: StoredPart) -> None:
        """Keep a part that is final."""

    @abstractmethod
    def renew(self, name: str, part: StoredPart) -> None:
        """Keep a state, which replaces the one of that name."""

    @abstractmethod
    def due(self) -> bool:
        """Whether a large state is worth the time to keep it."""

    @abstractmethod
    def forget(self, name: str) -> None:
        """The state of that name is no longer needed, once the parts that were given before are kept."""


@final
class StoredState(Bookmark):
    """The state of a store under one name."""

    def __init__(self, store: CheckpointStore, name: str) -> None:
        self._store, self._name = store, name

    def found(self) -> Arrays | None:
        """As it was kept."""
        part = self._store.recall(self._name)
        return None if part is None else part.arrays

    def due(self) -> bool:
        """The store knows."""
        return self._store.due()

    def put(self, arrays: Arrays) -> None:
        """Instead of the last."""
        self._store.renew(self._name, StoredPart({}, arrays))


def member_part(member: MemberPath) -> StoredPart:
    """A member's finished path as a part."""
    arrays = {
        "lambdas": member.lambdas,
        "coefs": member.coefs,
        "intercepts": member.intercepts,
        "standardized": member.standardized_coefs,
        "losses": member.data_losses,
        "penalties": member.penalties,
        "certificates": np.array([[c.value, c.tol] for c in member.certificates]).reshape(-1, 2),
        "iterations": member.iterations.astype(np.int64),
        "reference": np.array([member.null_loss, member.saturated_loss]),
    }
    if member.held_out is not None:
        arrays["held_out"] = member.held_out
    words = [[MEASURES.index(c.measure), c.note] for c in member.certificates]
    return StoredPart({"certificates": words}, arrays)


def member_of(part: StoredPart) -> MemberPath:
    """The path that ``member_part`` took apart."""
    arrays = part.arrays
    numbers = arrays["certificates"].tolist()
    certificates = tuple(
        Certificate(MEASURES[kind], value, tol, note)
        for (kind, note), (value, tol) in zip(part.document["certificates"], numbers, strict=True)
    )
    null, saturated = arrays["reference"].tolist()
    return MemberPath(
        arrays["lambdas"], arrays["coefs"], arrays["intercepts"], arrays["standardized"], arrays["losses"],
        arrays["penalties"], certificates, arrays["iterations"].astype(np.intp), null, saturated, False,
        arrays.get("held_out"),
    )  # fmt: skip
