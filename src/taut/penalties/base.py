"""The contract of every penalty Ω: a shape with a strength; it answers questions and never changes.

A path is ``[lam * shape for lam in lambdas]``. Weights w are (p,) or (p, k): p features along the FIRST
axis, k outputs; what is given per coordinate, (p,), holds for all outputs of its feature.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from taut.arrays import Array, Scalar
from taut.penalties.parameters import hashable, same
from taut.types import Float


class Traits(NamedTuple):
    """What an engine may rely on.

    Ω + c‖w‖²/2 is convex for c = ``weak_convexity``: 0 for convex penalties; the prox of the others is a
    function only while step·c < 1.  ``smooth``: differentiable at every w, which a box is not.
    """

    convex: bool
    smooth: bool
    separable: bool
    weak_convexity: float


class Kind(enum.IntEnum):
    """How a kernel must read a ``Table``."""

    QUADRATIC = 0
    CONCAVE = 1


class Table(NamedTuple):
    """A separable penalty as plain float64 arrays (n,), one entry per coordinate, factors multiplied in.

    QUADRATIC: Σ_j l1_j|w_j| + l2_j w_j² on the box [lower_j, upper_j], flat inf.  CONCAVE (MCP, SCAD): l2 is zero, and the
    slope in |w_j| is l1_j up to knee·l1_j, falls from there in a straight line, and is 0 from flat·l1_j on.  Excluded
    (factor inf): l1 = inf, lower = upper = 0.  Not penalised: l1 = l2 = 0.
    """

    l1: Float
    l2: Float
    lower: Float
    upper: Float
    knee: float
    flat: float

    @property
    def kind(self) -> Kind:
        """QUADRATIC where the slope never falls, else CONCAVE."""
        return Kind.QUADRATIC if self.flat == np.inf else Kind.CONCAVE

    @property
    def bounded(self) -> NDArray[np.bool_]:
        """(n,): coordinates with a finite bound on a side, the excluded ones among them."""
        return np.isfinite(self.lower) | np.isfinite(self.upper)

    @property
    def is_ridge(self) -> bool:
        """Whether this is L2 alone: a square on every coordinate, no L1 part and no bound."""
        alone = self.kind == Kind.QUADRATIC and not self.bounded.any()
        return bool(alone and (self.l1 == 0.0).all() and (self.l2 > 0.0).all())

    def take(self, index: NDArray[np.intp]) -> Table:
        """The coordinates ``index`` alone; a coordinate may be taken more than once."""
        l1, l2, lower, upper = (field[index] for field in (self.l1, self.l2, self.lower, self.upper))
        return Table(l1, l2, lower, upper, self.knee, self.flat)

    def terms(self, lam: float = 1.0) -> Float:
        """lam·l1, lam·l2, lower and upper as one array (4, n), for lam > 0: how a kernel reads the table."""
        return np.stack([lam * self.l1, lam * self.l2, self.lower, self.upper])


@dataclass(frozen=True, eq=False, repr=False)
class Penalty(ABC):
    """A regularization term Ω(w): value, derivatives, prox, conjugate; its strength is ``lam * p``.

    All methods take NumPy, PyTorch or JAX arrays and return the same kind and dtype.
    """

    __array_ufunc__ = None  # numpy numbers on the left of * leave the product to __rmul__

    @property
    @abstractmethod
    def traits(self) -> Traits:
        """Convexity, smoothness, separability."""

    @abstractmethod
    def value(self, w: Array) -> Scalar:
        """Ω(w), the forward pass; inf outside the box."""

    @abstractmethod
    def gradient(self, w: Array) -> Array:
        """The subgradient of least norm at ``w`` inside the box, the backward pass: 0 where w is 0."""

    @abstractmethod
    def prox(self, z: Array, step: Array | float) -> Array:
        """argmin_x ‖x − z‖²/(2·step) + Ω(x), shaped as z (Parikh and Boyd 2014, Proximal Algorithms, §1.1).

        ``step`` ≥ 0 is a number, or an array that broadcasts to z (a diagonal metric); (p,) goes along the
        features. Raises ValueError for a step at which the prox is not defined or has no closed form.
        """

    @abstractmethod
    def conjugate(self, u: Array) -> Scalar:
        """Ω*(u) = sup_w ⟨u, w⟩ − Ω(w); inf where that is unbounded by more than 1e-12, relative.

        The tolerance is wider in single precision. Raises ValueError where Ω is not convex.
        """

    @abstractmethod
    def lambda_max(self, g0: Array) -> float:
        """The smallest t ≥ 0 with 0 ∈ g0 + ∂(t·Ω)(0) over the penalised coordinates; inf where there is none.

        ``g0`` (p,) or (p, k) is the gradient of the data loss at the null model. Coordinates that are not
        penalised (factor 0) or excluded (factor inf) do not count.
        """

    @abstractmethod
    def distance(self, w: Array, g: Array) -> Array:
        """How far −g is from ∂Ω(w), shaped as w: zero where w is stationary for a loss with gradient ``g``.

        Separable penalties: the distance per coordinate, inf outside the box. Groups: the shortest residual
        vector by absolute entries, so that its norm over a group is that group's distance.
        """

    @abstractmethod
    def table(self, n: int) -> Table | None:
        """The penalty on n features as plain arrays for the kernels; None where no kernel can read it."""

    @abstractmethod
    def bind(self, names: Sequence[str], sources: Sequence[str] | None = None) -> Self:
        """This penalty with all that is given by column name turned into arrays of ``len(names)``.

        ``names[j]`` is column j of the design matrix, ``sources[j]`` the table column that it was made from
        (by default itself). Raises ValueError for a name that is neither, with the closest matches.
        """

    @abstractmethod
    def at(self, lam: float) -> Self:
        """``lam * self``, lam ≥ 0. MCP and SCAD keep γ: MCP(1, γ).at(lam) is MCP(lam, γ)."""

    @abstractmethod
    def at_curvature(self, curvature: float) -> Self:
        """This penalty beside a loss of the unit ``curvature`` c > 0: c·p(w; λ/c) where p is measured against c = 1.

        Only MCP and SCAD bend, and only where nobody has said their curvature yet; the others are themselves.
        """

    @abstractmethod
    def merged(self, other: Penalty) -> Penalty | None:
        """The one penalty that is ``self + other`` with an exact prox; None where there is none."""

    def __mul__(self, lam: float) -> Self:
        return self.at(lam)

    def __rmul__(self, lam: float) -> Self:
        return self.at(lam)

    def __add__(self, other: object) -> Penalty:
        if not isinstance(other, Penalty):
            return NotImplemented
        total = self.merged(other)
        if total is None:
            raise ValueError(
                f"{self!r} + {other!r} has no exact prox here: L1, L2 and ElasticNet add up when factors and "
                "box are the same, and so do two GroupLasso with the same groups"
            )
        return total

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(same(a, getattr(other, name)) for name, a in self._parameters().items())

    def __hash__(self) -> int:
        return hash((type(self), *map(hashable, self._parameters().values())))

    def __repr__(self) -> str:
        given = {name: value for name, value in self._parameters().items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def _parameters(self) -> dict[str, Any]:
        """The constructor's arguments, the positional ones first."""
        ordered = sorted(fields(self), key=lambda f: f.kw_only is True)
        return {f.name: getattr(self, f.name) for f in ordered}
