"""Classes in words: a confusion matrix as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taut.design import clean
from taut.tabular.words.layout import INDENT, WIDTH, labelled
from taut.tabular.words.numbers import grouped, significant
from taut.types import Float

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord

CORNER = "class / predicted"
SHOWN_PAIRS = 3
LONGEST = 20


def confusion_lines(fit: FitRecord) -> list[str]:
    """The matrix of the test rows by class and class predicted; where it is too wide, the pairs most often confused."""
    if fit.confusion is None:
        return []
    labels, counts = [_short(label) for label in fit.classes], fit.confusion.counts
    rows = [
        [CORNER, *labels],
        *([label, *map(_count, row)] for label, row in zip(labels, counts.tolist(), strict=True)),
    ]
    widths = [max(len(row[j]) for row in rows) for j in range(len(labels) + 1)]
    if INDENT + sum(widths) + 2 * len(labels) > WIDTH.get():
        return labelled("", [_confused(labels, counts)])
    return [
        f"{'':{INDENT}}{row[0]:<{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def _short(label: object) -> str:
    text = clean(label)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _count(weight: float) -> str:
    """Rows where they are counted, else their weight."""
    return grouped(weight) if weight == round(weight) else significant(weight)


def _confused(labels: list[str], counts: Float) -> str:
    wrong = np.where(np.eye(len(labels), dtype=bool), 0.0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:SHOWN_PAIRS]
    pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True)]
    found = [f"{labels[i]} for {labels[j]} ({_count(wrong[i, j])})" for i, j in pairs if wrong[i, j] > 0]
    return f"most often taken: {', '.join(found)}" if found else "no class is taken for another"
