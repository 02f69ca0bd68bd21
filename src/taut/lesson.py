"""Lesson: write the page that teaches regularization with a small network, live."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from taut.model_file import write_atomically
from taut.report import lesson_page


def teach(path: str | PathLike[str] = "teach.html") -> Path:
    """Write one page on which a network of two inputs and one hidden layer trains while λ, L1 : L2 and its rate move.

    It shows the forward pass (data loss + penalty = total loss), the backward pass (λ sign(w), 2λw), weights that reach
    exactly zero by a proximal step beside those of a plain gradient, and weights that grow without a penalty. A browser
    is all that it needs. A file of that name is written over. Returns the path; raises ``OSError`` where it can not be
    written.
    """
    place = Path(path)
    write_atomically(place, lesson_page().encode("utf-8"))
    return place
