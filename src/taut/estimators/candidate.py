"""Candidate: one fitted model among those that may be taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taut.path import Path, PathSpec
    from taut.selection import Criteria, Scores


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fitted model among those that may be taken.

    ``paths``: the one of all rows, then one per fold where there are folds; ``index`` the chosen place on
    their grid; ``scores`` from the folds, ``criteria`` where they decided; ``merit`` what competing candidates
    are compared by, the smaller the better; ``gamma`` the blend of a relaxed path.
    """

    spec: PathSpec
    paths: tuple[Path, ...]
    index: int
    scores: Scores | None = None
    criteria: Criteria | None = None
    merit: float = float("nan")
    gamma: float = 1.0

    @property
    def path(self) -> Path:
        """The path of all rows."""
        return self.paths[0]

    @property
    def lam(self) -> float:
        """The chosen strength."""
        return float(self.path.lambdas[self.index])
