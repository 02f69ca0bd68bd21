"""Resuming: what a checkpoint store has of one call of ``Solver.paths``, so that the same call goes on to the same bits.

A finished member is kept as a part. An engine whose members advance together keeps a resume state: what it would otherwise
have to compute again; what it can compute again with the same bits it leaves out. When to keep one is the store's
business: the call takes the same way with a store and without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.solvers.base import Certificate, CheckpointStore, Measure, MemberPath, Progress, StoredPart

Arrays = dict[str, NDArray[Any]]
_MEASURES = tuple(Measure)


@final
class StoredCall:
    """One call's finished members and its resume state in ``store``; without a store nothing is known or kept.

    ``known`` (M) holds the members that an earlier run of the call has finished, None for the others.
    """

    def __init__(self, store: CheckpointStore | None, members: int, progress: Progress | None) -> None:
        self._store, self._name = store, "" if store is None else store.call()
        self.known: list[MemberPath | None] = [self._recalled(m) for m in range(members)]
        if store is not None and progress is not None:
            progress(sum(len(member.lambdas) for member in self.known if member is not None))

    def _recalled(self, member: int) -> MemberPath | None:
        part = None if self._store is None else self._store.recall(f"{self._name}-{member}")
        return None if part is None else member_of(part)

    def kept(self, members: Iterable[MemberPath]) -> tuple[MemberPath, ...]:
        """The members, as far as they come before an interrupt; those that are new and whole are kept."""
        return finished(self._keeping(members))

    def _keeping(self, members: Iterable[MemberPath]) -> Iterator[MemberPath]:
        for m, member in enumerate(members):
            if self._store is not None and self.known[m] is None and not member.interrupted:
                self._store.keep(f"{self._name}-{m}", member_part(member))
            yield member

    @property
    def state(self) -> Arrays | None:
        """The resume state that an earlier, unfinished run has kept; None where there is none."""
        part = None if self._store is None else self._store.recall(f"{self._name}-state")
        return None if part is None else part.arrays

    def renew(self, state: Callable[[], Arrays]) -> None:
        """Keep the state that is made by ``state``, float64, int64 or uint8, where it is worth the time."""
        if self._store is not None and self._store.due():
            self._store.renew(f"{self._name}-state", StoredPart({}, state()))

    def forget(self) -> None:
        """The members are kept: nobody goes on from the state any more."""
        if self._store is not None:
            self._store.forget(f"{self._name}-state")


def finished(members: Iterable[MemberPath]) -> tuple[MemberPath, ...]:
    """The members up to an interrupt, which goes on where there is none."""
    found: list[MemberPath] = []
    try:
        for member in members:
            found.append(member)
            if member.interrupted:
                break
    except KeyboardInterrupt:
        if not found:
            raise
    return tuple(found)


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
    words = [[_MEASURES.index(c.measure), c.note] for c in member.certificates]
    return StoredPart({"certificates": words}, arrays)


def member_of(part: StoredPart) -> MemberPath:
    """The path that ``member_part`` took apart."""
    arrays = part.arrays
    numbers = arrays["certificates"].tolist()
    certificates = tuple(
        Certificate(_MEASURES[kind], value, tol, note)
        for (kind, note), (value, tol) in zip(part.document["certificates"], numbers, strict=True)
    )
    null, saturated = arrays["reference"].tolist()
    return MemberPath(
        arrays["lambdas"], arrays["coefs"], arrays["intercepts"], arrays["standardized"], arrays["losses"],
        arrays["penalties"], certificates, arrays["iterations"].astype(np.intp), null, saturated, False,
        arrays.get("held_out"),
    )  # fmt: skip


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
