"""Sums of second moments that do not depend on the order of what is added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.types import Float

NUMBERS = 1 << 22
"""Numbers that all parts together gather before they are multiplied: 32 MB."""
COARSE, FINE = 2.0**-14, 2.0**-48
"""The grids on which sums are exact, in units of a row's typical product."""


@final
@dataclass(eq=False)
class Sums:
    """Σ w b bᵀ over the rows b = (1, (a − shift)/scale) of each part, and how many rows there are.

    A product of some thousand rows is cut in two: what lies on a grid of 2⁻¹⁴, and the rest on one of 2⁻⁴⁸. Sums of numbers
    on one grid are exact as long as they stay below 2⁵³ of its steps (5·10¹¹ rows), and exact sums do not depend on the
    order: every order of adding gives the same bits (Demmel and Nguyen, *IEEE Trans. Computers* 64:2060, 2015).
    """

    coarse: Float
    fine: Float
    counts: NDArray[np.int64]
    products: int = 0

    @staticmethod
    def empty(parts: int, width: int) -> Sums:
        """No row yet."""
        shape = (parts, width, width)
        return Sums(np.zeros(shape), np.zeros(shape), np.zeros(parts, dtype=np.int64))

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.coarse + other.coarse,
            self.fine + other.fine,
            self.counts + other.counts,
            self.products + other.products,
        )

    def add_product(self, part: int, product: Float) -> None:
        """Add Σ w b bᵀ of some rows of a part; ``product`` is used up."""
        coarse = _to_grid(product.copy(), COARSE)
        self.coarse[part] += coarse
        product -= coarse
        self.fine[part] += _to_grid(product, FINE)
        self.products += 1

    @property
    def values(self) -> Float:
        """The sums (parts, width, width), rounded once."""
        return self.coarse + self.fine


def _to_grid(values: Float, step: float) -> Float:
    """The nearest multiples of ``step``, in place; numbers beyond 2⁵¹ steps stay as they are, to rounding."""
    big = 1.5 * 2.0**52 * step
    values += big
    values -= big
    return values


@final
@dataclass(eq=False)
class Gathering:
    """Rows on their way into the sums: each part's are laid side by side, and multiplied when there are ``size`` of them.

    How many rows are multiplied together follows from the numbers of the rows alone, not from the blocks they come in.
    ``shift`` and ``scale`` (width − 1,) are the sums' units; ``room`` is where rows are sorted by their parts.
    """

    sums: Sums
    waiting: Float
    filled: NDArray[np.intp]
    shift: Float
    scale: Float
    room: Float = field(default_factory=lambda: np.empty(0))

    @staticmethod
    def start(parts: int, shift: Float, scale: Float) -> Gathering:
        """No row yet; as many wait as ``NUMBERS`` allows, and at least as many as a row is wide: products then take longer
        than copies."""
        width = len(shift) + 1
        size = max(width, NUMBERS // (parts * width))
        waiting = np.empty((parts, width, size))
        return Gathering(Sums.empty(parts, width), waiting, np.zeros(parts, dtype=np.intp), shift, scale)

    def add(self, X: Float, y: Float, weight: Float | None, parts: NDArray[np.intp]) -> None:
        """Add rows X (n, p) and y (n,), with their weights (n,) (None: 1) and parts (n,)."""
        order = np.argsort(parts.astype(np.uint16), kind="stable")
        ends = np.cumsum(np.bincount(parts, minlength=len(self.filled)))
        block = self._sorted(X, y, order)
        root = None if weight is None else np.sqrt(weight[order])
        if root is not None:
            block *= root
        start = 0
        for part, end in enumerate(ends.tolist()):
            self._lay(part, block[:, start:end], None if root is None else root[start:end])
            start = end

    def _sorted(self, X: Float, y: Float, order: NDArray[np.intp]) -> Float:
        """((X, y) − shift)/scale as columns (p + 1, n) in this order."""
        width, n = len(self.shift), len(order)
        if self.room.size < width * n:
            self.room = np.empty(width * n)  # kept: memory that is asked for anew costs more than the copy
        block = self.room[: width * n].reshape(width, n)
        np.take(X.T, order, axis=1, out=block[:-1], mode="clip")  # other modes buffer what goes out
        np.take(y, order, out=block[-1], mode="clip")
        block -= self.shift[:, None]
        block *= (1.0 / self.scale)[:, None]
        return block

    def _lay(self, part: int, block: Float, root: Float | None) -> None:
        done, count, size = 0, block.shape[1], self.waiting.shape[2]
        self.sums.counts[part] += count
        while done < count:
            at = int(self.filled[part])
            take = min(size - at, count - done)
            self.waiting[part, 0, at : at + take] = 1.0 if root is None else root[done : done + take]
            self.waiting[part, 1:, at : at + take] = block[:, done : done + take]
            self.filled[part] += take
            done += take
            if self.filled[part] == size:
                self._multiply(part)

    def _multiply(self, part: int) -> None:
        rows = self.waiting[part, :, : self.filled[part]]
        self.sums.add_product(part, rows @ rows.T)
        self.filled[part] = 0

    def finished(self) -> Sums:
        """The sums of all rows."""
        for part in np.flatnonzero(self.filled).tolist():
            self._multiply(part)
        return self.sums
