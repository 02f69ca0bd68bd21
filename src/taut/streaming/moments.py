"""Moments: sums over the rows of a table from which its whole regularization path is fitted, and which add."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from taut.design import DataError, Told, clean
from taut.streaming import storing
from taut.streaming.record import MomentsRecord

SHOWN = 3


@final
@dataclass(frozen=True, eq=False, repr=False)
class Moments(MomentsRecord):
    """What ``taut.moments`` returns: Σ w, Σ w a and Σ w a aᵀ of the rows a = (x, y), for the test part and each fold.

    ``preparation`` is what other moments need to be added to these; ``sums`` holds the numbers, ``sources`` names what was
    read, ``dropped`` counts the rows without a target, ``told`` is what the rows had that the preparation did not know.

    Moments add: ``m_january + m_february`` are the moments of the rows of both. A row is none of theirs: every part has at
    least 10 rows.
    """

    def __add__(self, other: Moments) -> Moments:
        """The moments of both sets of rows; ``DataError`` names what the two do not share."""
        if not isinstance(other, Moments):
            return NotImplemented
        odd = self.preparation.difference(other.preparation)
        if odd:
            raise DataError(
                f"moments add where they share all of their preparation, and these differ in {odd}; make the second with"
                " preparation=first.preparation"
            )
        told = Told()
        told.add(self.told)
        told.add(other.told)
        return Moments(
            self.preparation,
            self.sums + other.sums,
            tuple(dict.fromkeys((*self.sources, *other.sources))),
            self.dropped + other.dropped,
            told,
        )

    def __radd__(self, other: Any) -> Moments:
        """So that ``sum`` adds a list of moments."""
        return self if other == 0 else NotImplemented

    def save(self, path: str | Path) -> Path:
        """Write one file of numbers and names, .moments by custom; it holds nothing that can run."""
        return storing.save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Moments:
        """Read a file that ``save`` wrote. Raises ``ModelFileError``; runs nothing that the file holds."""
        return storing.load(Path(path), Moments)

    def __str__(self) -> str:
        own, counts = self.preparation, self.sums.counts
        drawn = (
            f"by the column {clean(own.assignment.groups)}"
            if own.assignment.groups
            else "by the row's number"
        )
        lines = [
            ("Moments", f"{', '.join(map(clean, self.sources[:SHOWN]))}{' …' if len(self.sources) > SHOWN else ''}"),
            ("Rows", f"{counts[1:].sum():,} to train on in {self.folds} folds of {counts[1:].min():,} to"
             f" {counts[1:].max():,}, {counts[0]:,} for the test ({drawn}, seed {own.assignment.seed})"),
            ("Target", clean(self.target)),
            ("Features", f"{len(self.names):,} of {own.columns:,} columns"),
        ]  # fmt: skip
        if self.dropped:
            lines.append(("", f"{self.dropped:,} rows without a target left out"))
        if own.sampled:
            error = 98.0 / np.sqrt(own.sampled)  # 1.96 standard errors of the share of rows below, in percent
            lines.append(
                ("Medians", f"of {own.sampled:,} rows drawn from all: of rank 50 % ± {error:.1f} % (95 %)")
            )
        lines += [("Note", remark) for remark in (*own.preparation.remarks, *self.told.remarks)]
        lines.append(("Digits", f"{self.digits:.0f} in the variance of every feature"))
        if self.exposed:
            shown = ", ".join(map(clean, self.exposed[:SHOWN]))
            more = f" and {len(self.exposed) - SHOWN} more" if len(self.exposed) > SHOWN else ""
            lines.append(
                (
                    "Privacy",
                    f"{shown}{more}: fewer than 10 rows in a fold, of which the sums may tell singly; use fewer folds",
                )
            )
        return "\n".join(f"{label:<9}{text}" for label, text in lines)

    def __repr__(self) -> str:
        return f"<taut.Moments of {self.rows:,} rows, {len(self.names)} features, {self.folds} folds>"
