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
from taut.defaults import default
from taut.penalties.parameters import hashable, same
from taut.types import Float, Mask


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
        return Kind.QUADRATIC if self.convex else Kind.CONCAVE

    @property
    def convex(self) -> bool:
        """Whether the slope never falls."""
        return self.flat == np.inf

    @property
    def bounded(self) -> Mask:
        """(n,): coordinates with a finite bound on a side, the excluded ones among them."""
        return np.isfinite(self.lower) | np.isfinite(self.upper)

    @property
    def is_ridge(self) -> bool:
        """Whether this is L2 alone: a square on every coordinate, no L1 part and no bound."""
        alone = self.convex and not self.bounded.any()
        return bool(alone and (self.l1 == 0.0).all() and (self.l2 > 0.0).all())

    def take(self, index: NDArray[np.intp]) -> Table:
        """The coordinates ``index`` alone; a coordinate may be taken more than once."""
        l1, l2, lower, upper = (field[index] for field in (self.l1, self.l2, self.lower, self.upper))
        return Table(l1, l2, lower, upper, self.knee, self.flat)

    def at(self, lam: float) -> Table:
        """The table of λΩ, ``lam`` > 0."""
        return self._replace(l1=lam * self.l1, l2=lam * self.l2)

    def terms(self, lam: float = 1.0) -> Float:
        """lam·l1, lam·l2, lower and upper as one array (4, n), for lam > 0: how a kernel reads the table."""
        return np.stack(self.at(lam)[:4])


class Blocks(NamedTuple):
    """Ω(w) = strength·Σ_g √|g| ‖w_g‖₂ over groups of entries of w (n, k), |g| the number of entries of a group.

    ``labels`` (n, k): the group of each entry, −1 where it is in none and not penalised.
    """

    labels: NDArray[np.int64]
    strength: float

    @property
    def rows(self) -> NDArray[np.int64] | None:
        """The group of each row of w (n,); None where the entries of a row are in several."""
        first = self.labels[:, :1]
        return first[:, 0] if bool((self.labels == first).all()) else None


@dataclass(frozen=True, eq=False, repr=False)
class Penalty(ABC):
    """A regularization term Ω(w): value, derivatives, prox, conjugate; its strength is ``lam * p``.

    All methods take NumPy, PyTorch or JAX arrays and return the same kind and dtype. A class states the abstract ones; the
    defaults further down are right for any penalty that has no factors, bounds or groups, and a class may replace them.
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

    @default
    def at_curvature(self, curvature: float) -> Self:
        """This penalty beside a loss of the unit ``curvature`` c > 0: c·p(w; λ/c) where p is measured against c = 1.

        Only MCP and SCAD bend, and only where nobody has said their curvature yet; the others are themselves.
        """
        return self

    @default
    def blocks(self, n: int, outputs: int = 1) -> Blocks | None:
        """The penalty on w (n, outputs) as groups, for the engines that move whole groups; None, the default, where it is no
        such sum."""
        return None

    @property
    @default
    def slice_axis(self) -> int | None:
        """The axis of a weight matrix (inputs, neurons) along which whole slices are zero together.

        0: the weights that leave an input; 1: those that enter a neuron; None, the default, where there are none.
        """
        return None

    @default
    def shared_steps(self, step: Array) -> Array:
        """Steps, shaped as w, at which an optimiser shrinks: where they must go together, that of the others in place of 0."""
        return step

    @default
    def prox_at_any_step(self, z: Array, step: Array | float) -> Array:
        """The prox, or where it is no function at such a step, a minimiser of what it minimises."""
        return self.prox(z, step)

    @default
    def majorant(self, w: Array) -> Table | None:
        """A convex table T, w (n,), with Ω(x) ≤ Ω(w) + T(x) − T(w) for all x: a concave penalty's tangent in |w|.

        Penalties without a table that have one are solved by majorisation (Zou and Li, Ann. Statist. 36 (2008), §2). None, the
        default, where there is none.
        """
        return None

    @default
    def free(self, n: int) -> Mask:
        """The coordinates (n,) that cost nothing wherever they are: factor 0, or in no group."""
        table, blocks = self.table(n), self.blocks(n)
        if table is not None:
            return np.asarray((table.l1 == 0) & (table.l2 == 0))
        return np.zeros(n, dtype=bool) if blocks is None else np.asarray(blocks.labels[:, 0] < 0)

    @default
    def bounds(self, n: int) -> tuple[Float, Float]:
        """The box (n,), (n,) outside of which Ω is inf; what is excluded lies between 0 and 0."""
        table = self.table(n)
        return (np.full(n, -np.inf), np.full(n, np.inf)) if table is None else (table.lower, table.upper)

    @property
    @default
    def bounded(self) -> bool:
        """Whether bounds were given."""
        return False

    @default
    def rescaled(self, factor: Float) -> Self:
        """The penalty with its bounds multiplied by ``factor`` (n,); all else stays."""
        return self

    @default
    def reweighted(self, cost: Float) -> Self | None:
        """The penalty with its factors times ``cost`` (n,), inf excludes; None, the default, where it has no factors."""
        return None

    @default
    def uniform(self) -> Self:
        """The shape without what is said of single coordinates: no factors, every coordinate a group of its own."""
        return self

    @default
    def with_intercept(self, n: int) -> Self:
        """The penalty on n + 1 coordinates, the last of which has factor 1, no bounds and a group of its own.

        Raises TypeError, by default, where that is not known.
        """
        raise TypeError(
            f"penalize_biases is not supported for {type(self).__name__}: fit with penalize_biases=False"
        )

    @property
    @default
    def words(self) -> tuple[str, str]:
        """The shape in the field's words, and the numbers that make it what it is; by default the class's name, and none."""
        return type(self).__name__, ""

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
