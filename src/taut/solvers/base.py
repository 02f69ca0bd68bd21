"""The contract of every solver: a problem and row weights go in, solutions with certificates come out.

A fit is a row-weight vector. A fold of a cross-validation is the weight vector that is zero on its held-out rows, a
bootstrap fit is a vector of counts, so one call, ``Solver.paths``, serves the single path, all the folds at once and
the bootstrap, and an engine is free to share its passes over X between them.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taut.types import Float

if TYPE_CHECKING:
    from taut.losses import Loss
    from taut.penalties import Penalty
    from taut.solvers.matrix import Matrix


NO_SOLUTION = "does not exist"
"""How a note begins where there is no finite solution: no number is then small enough."""


class Measure(enum.Enum):
    """What the number of a certificate measures."""

    DUALITY_GAP = "relative duality gap"
    GRADIENT_NORM = "relative gradient norm"
    KKT_RESIDUAL = "relative distance to the subdifferential"
    STATIONARITY = "stationarity residual"


@dataclass(frozen=True)
class Certificate:
    """A number that says how far a solution is from optimal, and the tolerance it was held to.

    ``value`` is relative to the null model's loss minus the saturated one for gaps (MATH: gap = F − D ≥ F − min F),
    and to the gradient at the null model for residuals. ``note`` carries what the number cannot say:
    ``"not unique"``, ``"does not exist"``, or why the tolerance was missed; it is empty when there is nothing to add.
    """

    measure: Measure
    value: float
    tol: float
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the tolerance was reached, by a solution that exists."""
        return self.value <= self.tol and self.exists

    @property
    def exists(self) -> bool:
        """Whether there is a finite solution, as far as is known: where there is none the note says why."""
        return not self.note.startswith(NO_SOLUTION)


@dataclass(frozen=True)
class LinearProblem:
    """One convex (or weakly convex) problem over a linear predictor, in the units of the data as given.

    minimise Σ_i s_i ℓ(o_i + x_iᵀw + b, y_i) + Ω(w), on the standardised scale where ``standardize``: columns centred (with
    an intercept) and divided by their weighted standard deviation (1/n form; root mean square without an intercept), and y
    likewise for squared and Huber losses. Ω is ``lam * penalty`` for each λ of a path; a box of the
    penalty is in the units of the coefficients as given, its curvature is measured against the loss's
    (``Penalty.at_curvature``). ``max_iter`` bounds the iterations at every λ (epochs of descent, or
    Newton steps; what has a closed form makes none); None leaves that to the engine. ``start`` (p[, k]), in the units of the
    data, is where coordinate descent and Newton's method begin; other engines begin at the null model.
    """

    matrix: Matrix
    y: Float
    weight: Float
    loss: Loss
    penalty: Penalty
    offset: Float | None = None
    fit_intercept: bool = True
    standardize: bool = True
    penalize_intercept: bool = False
    tol: float = 1e-6
    max_iter: int | None = None
    start: Float | None = None

    def __post_init__(self) -> None:
        curvature = self.loss.unit_curvature(self.loss.outputs(self.y))
        object.__setattr__(self, "penalty", self.penalty.at_curvature(curvature))

    def most(self, usual: int) -> int:
        """Iterations at one λ, at most: ``usual`` where ``max_iter`` is None."""
        return usual if self.max_iter is None else self.max_iter


@dataclass(frozen=True)
class Solution:
    """One λ solved: coefficients on the standardised scale and in the data's units, the two terms of F, a certificate."""

    lam: float
    coef: Float
    intercept: Float
    standardized_coef: Float
    data_loss: float
    penalty: float
    certificate: Certificate
    iterations: int = 0


@dataclass(frozen=True, eq=False)
class MemberPath:
    """The solutions of one row-weight vector along the grid, strongest λ first; short if the user interrupted.

    ``coefs`` (L, p[, k]) and ``intercepts`` (L[, k]) are in the data's units; ``data_losses`` and ``penalties`` are the two
    terms of F. ``held_out`` (L,), where an engine gets it for nothing, is the mean loss in the data's units over the rows
    that this member weighs 0 and the first member does not.
    """

    lambdas: Float
    coefs: Float
    intercepts: Float
    standardized_coefs: Float
    data_losses: Float
    penalties: Float
    certificates: tuple[Certificate, ...]
    iterations: NDArray[np.intp]
    null_loss: float
    saturated_loss: float
    interrupted: bool = False
    held_out: Float | None = None

    @property
    def solutions(self) -> tuple[Solution, ...]:
        """The path as one record per λ."""
        columns = zip(
            self.lambdas.tolist(), self.coefs, self.intercepts, self.standardized_coefs, self.data_losses.tolist(),
            self.penalties.tolist(), self.certificates, self.iterations.tolist(), strict=True,
        )  # fmt: skip
        return tuple(Solution(*column) for column in columns)

    def stretch(self, start: int, end: int) -> MemberPath:
        """The strengths from ``start`` up to, not including, ``end``."""
        part = slice(start, end)
        held = None if self.held_out is None else self.held_out[part]
        return replace(
            self,
            lambdas=self.lambdas[part],
            coefs=self.coefs[part],
            intercepts=self.intercepts[part],
            standardized_coefs=self.standardized_coefs[part],
            data_losses=self.data_losses[part],
            penalties=self.penalties[part],
            certificates=self.certificates[part],
            iterations=self.iterations[part],
            held_out=held,
        )

    def extended(self, last: Solution) -> MemberPath:
        """This path with one more, weaker strength, and without held-out losses, which nobody has computed for it."""
        solutions = [*self.solutions, last]
        return MemberPath.stack(solutions, self.null_loss, self.saturated_loss, self.interrupted)

    @classmethod
    def stack(
        cls, solutions: Sequence[Solution], null_loss: float, saturated_loss: float, interrupted: bool
    ) -> MemberPath:
        """The records of single strengths as one path; at least one."""
        return cls(
            np.array([s.lam for s in solutions]),
            np.stack([s.coef for s in solutions]),
            np.stack([s.intercept for s in solutions]),
            np.stack([s.standardized_coef for s in solutions]),
            np.array([s.data_loss for s in solutions]),
            np.array([s.penalty for s in solutions]),
            tuple(s.certificate for s in solutions),
            np.array([s.iterations for s in solutions], dtype=np.intp),
            null_loss,
            saturated_loss,
            interrupted,
        )


Progress = Callable[[int], None]
"""Called with the number of (λ, member) pairs finished since the last call."""


class StoredPart(NamedTuple):
    """Words and numbers that JSON holds, and arrays (float64, int64 or uint8)."""

    document: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


class CheckpointStore(ABC):
    """Finished parts of a fit and states of unfinished ones by name, so that a fit that was ended by force can go on.

    What is fitted decides the order of the calls, so a number per call and the place inside it name a part; the bits that
    come back are the bits that were kept. Who keeps them, and where, is the caller's.
    """

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


class EarlyStop(ABC):
    """Ends the paths of all members at one strength, by what it sees of their solutions.

    Where the end is follows from the solutions up to there alone: not from the order in which members reach them, nor from
    how far some of them have gone beyond.
    """

    @abstractmethod
    def see(self, member: int, found: MemberPath) -> None:
        """Look at the next strengths of a member, of which all stronger ones were seen before."""

    @property
    @abstractmethod
    def end(self) -> int | None:
        """How many strengths all members keep; None while it is open."""


class Solver(ABC):
    """A frozen record of options with one method; see ``docs/solvers.md`` for which engine solves what."""

    @abstractmethod
    def paths(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None = None,
        store: CheckpointStore | None = None,
    ) -> tuple[MemberPath, ...]:
        """Solve ``problem`` at every λ of the descending ``lambdas`` for each row of ``weights`` (M, n).

        A number of strengths stands for a grid of that size, from the first row's own λ_max. Ctrl-C ends the call with
        what is finished; where nothing is, KeyboardInterrupt goes on. What ``store`` has of this very call is not solved
        again, and what is finished, or worth going on from, is kept there; the bits are those of a call without one.
        """


class StoppingSolver(Solver):
    """A solver whose members walk along the grid side by side, so that all of them can end where it is enough."""

    @abstractmethod
    def paths(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None = None,
        store: CheckpointStore | None = None,
        stop: EarlyStop | None = None,
    ) -> tuple[MemberPath, ...]:
        """As in ``Solver``, up to the strength at which ``stop``, that has seen nothing yet, ends the paths."""
