"""How the strength of a model is found: by cross-validation, by a criterion, or given as a number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, final

from taut.path import LinearPath, Path, PathSpec
from taut.selection import Criteria, Data, Folds, Scores, path_criteria, score_folds
from taut.solvers.base import Progress


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fitted model among those that may be taken.

    ``paths``: the one of all rows, then one per fold where there are folds; ``index`` the chosen place on
    their grid; ``scores`` from the folds, ``criteria`` where they decided.
    """

    spec: PathSpec
    paths: tuple[Path, ...]
    index: int
    scores: Scores | None = None
    criteria: Criteria | None = None

    @property
    def path(self) -> Path:
        """The path of all rows."""
        return self.paths[0]

    @property
    def lam(self) -> float:
        """The chosen strength."""
        return float(self.path.lambdas[self.index])


class Strength(ABC):
    """A way to find λ; frozen, with one method."""

    needs_folds: bool

    @abstractmethod
    def find(
        self, spec: PathSpec, data: Data, folds: Folds | None, lambdas: Any, progress: Progress | None
    ) -> Candidate:
        """Fit ``spec`` and choose its strength; with ``folds``, fit and score those too."""


@final
@dataclass(frozen=True)
class CrossValidated(Strength):
    """The strength that ``rule`` picks from the out-of-fold losses."""

    rule: str
    needs_folds = True

    def find(
        self, spec: PathSpec, data: Data, folds: Folds | None, lambdas: Any, progress: Progress | None
    ) -> Candidate:
        """Cross-validate the whole grid."""
        paths, scores = _fit(spec, data, folds, lambdas, progress)
        assert scores is not None  # needs_folds
        return Candidate(spec, paths, scores.index(self.rule), scores)


@final
@dataclass(frozen=True)
class Fixed(Strength):
    """The strength ``lam``, as given: one fit."""

    lam: float
    needs_folds = False

    def find(
        self, spec: PathSpec, data: Data, folds: Folds | None, lambdas: Any, progress: Progress | None
    ) -> Candidate:
        """Fit at ``lam`` alone; the grid ``lambdas`` has no part in it."""
        paths, scores = _fit(spec, data, folds, [self.lam], progress)
        return Candidate(spec, paths, 0, scores)


@final
@dataclass(frozen=True)
class InformationCriterion(Strength):
    """The strength at which the criterion ``name`` is smallest."""

    name: str
    needs_folds = False

    def find(
        self, spec: PathSpec, data: Data, folds: Folds | None, lambdas: Any, progress: Progress | None
    ) -> Candidate:
        """Fit the grid on all rows; ValueError for a network, whose degrees of freedom are not known."""
        if spec.hidden:
            raise ValueError(
                f"lam={self.name!r} needs degrees of freedom, which a network has not; use lam='cv'"
            )
        paths, scores = _fit(spec, data, folds, lambdas, progress)
        path = paths[0]
        assert isinstance(path, LinearPath)  # no hidden layers
        criteria = path_criteria(spec, path, data)
        return Candidate(spec, paths, criteria.index(self.name), scores, criteria)


def _fit(
    spec: PathSpec, data: Data, folds: Folds | None, lambdas: Any, progress: Progress | None
) -> tuple[tuple[Path, ...], Scores | None]:
    if folds is None:
        return tuple(spec.fit(data.X, data.y, data.weight[None], lambdas, data.offset, progress)), None
    fitted = score_folds(spec, data, folds, lambdas, progress)
    return fitted.paths, fitted.scores
