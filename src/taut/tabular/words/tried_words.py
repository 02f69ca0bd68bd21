"""Words on what an automatic fit tried: a line for each model, and why one was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.tabular.tried import ENDED, Tried
from taut.tabular.words.layout import labelled, tabulated
from taut.tabular.words.numbers import grouped, with_error
from taut.tabular.words.tables import cv_metric

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord


def tried_lines(fit: FitRecord) -> list[str]:
    """The table, and the sentence that follows from it; nothing where one model was asked for."""
    if not fit.tried:
        return []
    finished = [(each.mark, *tried_cells(each)) for each in fit.tried if not each.note]
    table = tabulated([("Tried", *tried_head(fit)), *finished])
    notes = [f"{each.name}: {each.note}" for each in fit.tried if each.note]
    return [*table, *labelled("", [*notes, taken_words(fit)])]


def tried_head(fit: FitRecord) -> tuple[str, str, str]:
    """The heads of the columns."""
    return "", f"CV {cv_metric(fit).name} ± SE", "kept"


def tried_cells(tried: Tried) -> tuple[str, str, str]:
    """A model, its score and how many features it needs."""
    if tried.note:
        return tried.name, "–", "–"
    return tried.name, with_error(tried.score, tried.error), grouped(tried.kept)


def taken_words(fit: FitRecord) -> str:
    """Why the model was taken, what asks for it alone, and whether another run takes the same."""
    taken = next(each for each in fit.tried if each.mark == "taken")
    close = [each for each in fit.tried if each.mark]
    best = next((each.name for each in close if each.mark == "best"), taken.name)
    if len(close) == 1:
        why = "the best score, and no other within one standard error of the difference"
    elif best == taken.name:
        why = "the best score, and nothing simpler is as good"
    else:
        why = (
            f"the simplest of {len(close)} within one standard error of the difference from the best, {best}"
        )
    alone = f"; {taken.asks} asks for it alone" if taken.asks else ""
    ended = any(each.note == ENDED for each in fit.tried)
    bits = "; time ended the search, so another run may take another model" if ended else ""
    return f"{taken.name} taken: {why}{alone}{bits}"
