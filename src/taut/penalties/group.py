"""GroupLasso: whole groups of coordinates, such as the columns of one category, enter or leave together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from taut.arrays import Array, Scalar, as_float, is_array, like, namespace, to_numpy
from taut.penalties.base import Blocks, Penalty, Table, Traits
from taut.penalties.diagonal import RowGroups, prox_in_diagonal_metric, quotient
from taut.penalties.parameters import by_position, check_length, number
from taut.penalties.separable import INF, clip, finite, smallest_strength, steps

Groups: TypeAlias = "Sequence[Sequence[int]] | Sequence[int] | NDArray[np.int64] | Mapping[str, Any] | None"
"""Index lists, an integer label per coordinate (−1: in no group), or labels by column name."""

FREE = -1
"""The label of coordinates that are in no group and not penalised."""


class Partition(NamedTuple):
    """Which rows are together, and how many rows each group has: 0 if it is not penalised."""

    rows: RowGroups
    sizes: NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False, repr=False)
class GroupLasso(Penalty):
    """λ Σ_g √|g| ‖w_g‖₂ (Yuan and Lin 2006, J. R. Statist. Soc. B 68, eq. 2.1); |g| counts entries.

    With w (p, k) a group is rows of w, and |g| its rows times k.  ``groups``: index lists with each of 0..p−1
    in exactly one; or one integer label per coordinate, where −1 is in no group and not penalised; or labels
    by column name (then ``bind``; a table column that is not named is a group of its own).  None: every
    coordinate by itself, and after ``bind`` all design columns made from one table column.
    """

    lam: float = 1.0
    groups: Groups = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lam", number("lam", self.lam))
        object.__setattr__(self, "groups", _stored(self.groups))

    @property
    def traits(self) -> Traits:
        """Convex; neither smooth nor separable."""
        return Traits(convex=True, smooth=False, separable=False, weak_convexity=0.0)

    def value(self, w: Array) -> Scalar:
        """λ Σ_g √|g| ‖w_g‖."""
        w = as_float(w)
        return namespace(w).sum(self._weights(w) * self._rows(w).norms(w))

    def gradient(self, w: Array) -> Array:
        """λ √|g| w_g/‖w_g‖, and 0 where the group is 0."""
        w = as_float(w)
        return w * self._rows(w).to_rows(quotient(self._weights(w), self._rows(w).norms(w)), w)

    def prox(self, z: Array, step: Array | float) -> Array:
        """(1 − step·λ√|g|/‖z_g‖)₊ z_g; with an array of steps w_j = z_j r/(r + step_j λ√|g|), r = ‖w_g‖ a root."""
        z = as_float(z)
        each, rows, weights = steps(step, z), self._rows(z), self._weights(z)
        if not isinstance(each, float) and each.ndim > 0:
            return prox_in_diagonal_metric(z, each + namespace(z).zeros_like(z), weights, rows)
        kept = clip(1 - quotient(each * weights, rows.norms(z)), 0.0, 1.0)
        return z * rows.to_rows(kept, z) + 0.0  # +0 turns −0 into 0

    @property
    def slice_axis(self) -> int | None:
        """0 where every row is a group of its own."""
        return 0 if self.groups is None else None

    def shared_steps(self, step: Array) -> Array:
        """Steps, shaped as w, with each 0 the mean of its group's others: without a gradient a weight goes with its group."""
        return self._rows(step).shared(step)

    def conjugate(self, u: Array) -> Scalar:
        """0 where ‖u_g‖ ≤ λ√|g| for all groups, else inf."""
        u = as_float(u)
        xp, weights, norms = namespace(u), self._weights(u), self._rows(u).norms(u)
        relative = max(1e-12, 8 * float(xp.finfo(u.dtype).eps))
        slack = relative * xp.where(weights > 0, weights, self.lam + xp.sqrt(xp.sum(u * u)))
        return xp.where(xp.any(norms > weights + slack), INF, 0.0 * xp.sum(u))

    def lambda_max(self, g0: Array) -> float:
        """max_g ‖g0_g‖ / (λ√|g|)."""
        g = finite(g0)
        norms, counts = self._rows(g).norms(g), self._weights(g) > 0
        return smallest_strength(norms[counts], lambda t: self.at(t)._weights(g)[counts])

    def distance(self, w: Array, g: Array) -> Array:
        """|g + ∇Ω(w)| where the group is not 0; there the entries of g_g beyond the ball of radius λ√|g|."""
        w = as_float(w)
        xp, g, weights = namespace(w), like(g, w), self._weights(w)
        outside = clip(1 - quotient(weights, self._rows(g).norms(g)), 0.0, 1.0)
        zero = self._rows(w).to_rows(self._rows(w).norms(w) == 0, w)
        return xp.abs(xp.where(zero, g * self._rows(w).to_rows(outside, w), g + self.gradient(w)))

    def table(self, n: int) -> Table | None:
        """None: not separable."""
        return None

    def blocks(self, n: int, outputs: int = 1) -> Blocks:
        """Rows of w."""
        return Blocks(np.repeat(self.labels(n)[:, None], outputs, axis=1), self.lam)

    def uniform(self) -> Self:
        """Every coordinate a group of its own."""
        return replace(self, groups=None)

    def with_intercept(self, n: int) -> Self:
        """The last coordinate in a group of its own."""
        labels = self.labels(n)
        return replace(self, groups=np.append(labels, labels.max(initial=-1) + 1))

    @property
    def words(self) -> tuple[str, str]:
        """The group lasso."""
        return "group lasso", ""

    def bind(self, names: Sequence[str], sources: Sequence[str] | None = None) -> Self:
        """Labels by position; columns that are not named form one group per table column."""
        if isinstance(self.groups, np.ndarray):
            check_length("groups", self.groups, len(names))
            return self
        given = self.groups if isinstance(self.groups, Mapping) else {}
        labels = by_position("groups", given, names, sources)
        origins = names if sources is None else sources
        keys = [("column", o) if x is None else ("label", x) for x, o in zip(labels, origins, strict=True)]
        codes = {key: code for code, key in enumerate(dict.fromkeys(keys))}
        return replace(self, groups=np.array([FREE if k == ("label", FREE) else codes[k] for k in keys]))

    def at(self, lam: float) -> Self:
        """GroupLasso(lam·λ)."""
        return replace(self, lam=lam * self.lam)

    def merged(self, other: Penalty) -> Penalty | None:
        """The strengths add up where the groups are the same."""
        if isinstance(other, GroupLasso) and other.at(0) == self.at(0):
            return replace(self, lam=self.lam + other.lam)
        return None

    @cached_property
    def _labelled(self) -> Partition:
        found, segments = np.unique(np.asarray(self.groups), return_inverse=True)
        sizes = np.where(found == FREE, 0, np.bincount(segments))
        return Partition(RowGroups(segments, len(found)), sizes)

    def labels(self, n: int) -> NDArray[np.int64]:
        """The group of each of n coordinates, −1 for none: what ``groups`` comes to once it is bound."""
        if isinstance(self.groups, Mapping):
            raise ValueError("groups are given by column name: call bind(names) first")
        labels = np.arange(n) if self.groups is None else np.asarray(self.groups)
        check_length("groups", labels, n)
        return labels

    def _partition(self, n: int) -> Partition:
        if self.groups is None:
            return Partition(RowGroups(None, n), np.ones(n, dtype=np.int64))
        self.labels(n)
        return self._labelled

    def _rows(self, w: Array) -> RowGroups:
        """Which rows of w are together."""
        return self._partition(w.shape[0]).rows

    def _weights(self, w: Array) -> Array:
        """λ √(entries) of each group, in the kind and dtype of w."""
        if self.groups is None:  # nothing is copied to the device of w
            xp, first = namespace(w), w[(slice(None), *(slice(1) for _ in w.shape[1:]))]
            zeros = xp.zeros_like(xp.reshape(first, (w.shape[0], -1))[:, 0])
            return zeros + self.lam * math.sqrt(math.prod(w.shape[1:]))
        entries = self._partition(w.shape[0]).sizes * math.prod(w.shape[1:])
        return like(self.lam * np.sqrt(entries), w)


def _stored(groups: Any) -> Groups:
    """Labels as a read-only array, a mapping as our own dict."""
    if groups is None:
        return None
    if isinstance(groups, Mapping):
        return {str(name): label for name, label in groups.items()}
    lists = not is_array(groups) and any(np.ndim(g) == 1 for g in groups)
    labels = _labels_of(groups) if lists else np.array(to_numpy(groups))
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or (labels < FREE).any():
        raise ValueError(
            "groups must be index lists, or one integer label ≥ 0 per coordinate (−1: in no group)"
        )
    labels = labels.astype(np.int64)
    labels.flags.writeable = False
    return labels


def _labels_of(lists: Sequence[Any]) -> NDArray[np.int64]:
    """Index lists as labels; raises ValueError unless each of 0..p−1 is in exactly one list."""
    members = [np.atleast_1d(to_numpy(indices)) for indices in lists]
    if any(m.size == 0 or m.dtype.kind not in "iu" for m in members):
        raise ValueError("groups must be lists of at least one integer index each")
    indices, labels = np.concatenate(members), np.repeat(np.arange(len(members)), [m.size for m in members])
    counts = np.bincount(indices, minlength=1) if indices.min() >= 0 else np.array([0])
    if (wrong := np.flatnonzero(counts != 1)).size:
        what = "no group" if counts[wrong[0]] == 0 else "more than one group"
        raise ValueError(
            f"coordinate {wrong[0]} is in {what}: give each in one list, or labels with {FREE} for none"
        )
    return labels[np.argsort(indices)]
