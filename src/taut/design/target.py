"""Target: what is predicted, a quantity or one of several classes, decided from its column or as asked."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

import narwhals as nw
import numpy as np

from taut.design.faults import DataError, brief, clean
from taut.design.notation import MISSING, TRUTH, notation_of, odd_tokens
from taut.design.stored import Frame
from taut.design.values import Column, cells_of, is_category, is_number, number_block, texts
from taut.design.writing import TEXT, CellKind, Known, Writings, Written, conclude
from taut.types import Float

Label: TypeAlias = str | int | float | bool

MOST_NUMBERED_CLASSES = 50
"""Whole numbers that are given as text are classes up to so many different ones."""
SHOWN_ROWS = 5


class Task(enum.Enum):
    """What is asked of the model."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"


class Target(ABC):
    """The column to predict; ``label`` is what is fitted, in words."""

    name: str

    @property
    @abstractmethod
    def label(self) -> str:
        """What is fitted, in words."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """Regression or classification."""

    @abstractmethod
    def encode(self, frame: Frame) -> Float:
        """Return the target (n,) as numbers, class codes 0..k−1 for classes; NaN where missing or unknown."""


@final
@dataclass(frozen=True)
class Quantity(Target):
    """A number to predict; ``form`` is 1234.5 as its column writes it, empty for a decimal point.

    ``log``: what is fitted is its natural logarithm.
    """

    name: str
    form: str = ""
    log: bool = False

    @property
    def task(self) -> Task:
        """Regression."""
        return Task.REGRESSION

    def encode(self, frame: Frame) -> Float:
        """Return the column's numbers (n,), or their logarithms; NaN where there is none."""
        return self.fitted(number_block(frame, self.name, notation_of(self.form)))

    @property
    def label(self) -> str:
        """What is fitted, in words."""
        return f"log {self.name}" if self.log else self.name

    def fitted(self, y: Float) -> Float:
        """What is fitted in place of the numbers y."""
        if not self.log:
            return y
        return np.log(y, out=np.full_like(y, np.nan), where=y > 0)

    def restored(self, fitted: Float) -> Float:
        """The numbers, in the units of the table, of what was fitted."""
        if not self.log:
            return fitted
        with np.errstate(over="ignore"):  # a wild prediction is infinite
            return np.exp(fitted)


@final
@dataclass(frozen=True)
class Classes(Target):
    """One of k classes; the labels as they stand in the table, sorted."""

    name: str
    labels: tuple[Label, ...]

    @property
    def label(self) -> str:
        """The column."""
        return self.name

    @property
    def task(self) -> Task:
        """Classification."""
        return Task.CLASSIFICATION

    def encode(self, frame: Frame) -> Float:
        """Return the codes 0..k−1 of the labels (n,)."""
        return self.codes(_cells(frame[self.name]))

    def codes(self, cells: _Cells) -> Float:
        """Return the codes of a column's cells (n,)."""
        if isinstance(cells, np.ndarray):
            return _codes(cells, self.labels)
        place: dict[Label | None, float] = {label: float(code) for code, label in enumerate(self.labels)}
        return np.array([place.get(cell, np.nan) for cell in cells])


class Understood(NamedTuple):
    """A target, its values (n,) with NaN where missing, why it is the task that it is, and what is said of its cells."""

    target: Target
    y: Float
    reason: str
    remarks: tuple[str, ...] = ()


def understand_target(
    frame: Frame, name: str, task: str | None = None, writings: Writings | None = None
) -> Understood:
    """Decide the task: text, truth values, declared categories or exactly two values mean classification, else regression.

    ``task`` decides otherwise; ``writings`` say how the table is written, None finds that out.
    ``DataError`` where the column cannot serve, ValueError on an unknown task.
    """
    asked = None if task is None else _task(task)
    column = frame[name]
    if writings is None:
        writings = conclude(frame, Known(concluded=True))
    written = writings.columns.get(name, TEXT)
    cells = _cells(column)
    distinct = _without_gaps(_distinct(cells), written, asked is Task.CLASSIFICATION)
    if len(distinct) < 2:
        found = f"only the value {brief(_shown(distinct))}" if len(distinct) else "no value at all"
        raise DataError(f"target {brief(name)} has {found}; there is nothing to predict")
    natural, reason = _natural_task(column, distinct, written)
    chosen = asked or natural
    said = "as asked" if asked else reason
    if chosen is Task.CLASSIFICATION:
        classes = _classes(name, distinct, column)
        return Understood(classes, classes.codes(cells), said)
    quantity = _quantity(name, distinct, writings)
    y = quantity.encode(frame)
    return Understood(quantity, y, said, (*written.remarks, *_left_out(name, column, y, written)))


def _task(name: str) -> Task:
    try:
        return Task(name)
    except ValueError:
        raise ValueError(f"task must be 'regression' or 'classification', got {name!r}") from None


def _natural_task(column: Column, distinct: _Distinct, written: Written) -> tuple[Task, str]:
    if len(distinct) == 2:
        return Task.CLASSIFICATION, "two values"
    if column.dtype == nw.Boolean:
        return Task.CLASSIFICATION, "truth values"
    if is_category(column.dtype):
        return Task.CLASSIFICATION, "a category"
    if isinstance(distinct, np.ndarray) or written.kind is CellKind.NUMBER:
        return Task.REGRESSION, "numbers"
    if written.digits and len(distinct) > MOST_NUMBERED_CLASSES:
        return Task.REGRESSION, "numbers given as text"
    return Task.CLASSIFICATION, "text"


def _quantity(name: str, distinct: _Distinct, writings: Writings) -> Quantity:
    """The target as a number; ``DataError`` names a word where too many cells are none."""
    written = writings.columns.get(name, TEXT)
    if isinstance(distinct, np.ndarray):
        return Quantity(name)
    notation = writings.notation(name)
    words = odd_tokens([c for c in distinct if isinstance(c, str)], notation)
    if words and written.kind is not CellKind.NUMBER:
        shown = brief(min(words))
        raise DataError(f"target {brief(name)} holds {shown}, which is no number; regression needs numbers")
    form = notation.form
    return Quantity(name, "" if form == notation_of("").form else form)


def _left_out(name: str, column: Column, y: Float, written: Written) -> list[str]:
    """The rows whose cell is a word among numbers."""
    if not written.odd:
        return []
    odd = {*written.odd}
    rows = [row for row, cell in enumerate(texts(column), 1) if cell in odd]
    more = f" and {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
    shown = ", ".join(map(str, rows[:SHOWN_ROWS]))
    many = len(rows) > 1
    return [
        f"{clean(name)}: {'rows' if many else 'row'} {shown}{more} left out, whose target is no number"
        " (--task classification takes all values as classes)"
    ]


def _classes(name: str, distinct: _Distinct, column: Column) -> Classes:
    rows = len(column)
    if len(distinct) > max(2, rows // 2):
        raise DataError(
            f"target {brief(name)} has {len(distinct)} distinct values in {rows} rows, such as"
            f" {brief(_shown(distinct))}, too many for classes; choose another target, or give its numbers without"
            " units and ask for regression"
        )
    return Classes(name, tuple(_labels(distinct, column.dtype.is_integer())))


def _shown(distinct: _Distinct) -> str:
    """The first value, as a message has it."""
    first = _labels(distinct, False)[0]
    return f"{first:.15g}" if isinstance(distinct, np.ndarray) else str(first)


_Cells: TypeAlias = "Float | list[Any]"
"""A column: numbers with NaN where there is none, else the cells as they stand, texts without surrounding blanks."""
_Distinct: TypeAlias = "Float | set[Any]"
"""The different values of a column, without those that are missing; numbers ascend."""


def _cells(column: Column) -> _Cells:
    """The cells of a target; never a Python object for each number."""
    dtype = column.dtype
    if dtype == nw.Boolean or is_category(dtype):
        return [_label(cell) for cell in cells_of(column)]
    if is_number(dtype):
        return _numbers(column)
    if dtype == nw.Object:
        cells = cells_of(column)
        if all(isinstance(cell, bool | np.bool_) for cell in cells if cell is not None and cell == cell):
            return [None if cell is None or cell != cell else bool(cell) for cell in cells]
    cells = texts(column)
    writings = {cell for cell in cells if cell is not None}
    if len(writings) > 2 and all(
        cell.lower() in TRUTH for cell in writings
    ):  # True, TRUE and false are two classes
        return [None if cell is None else cell.lower() == "true" for cell in cells]
    return list(cells)


def _label(cell: Any) -> Label | None:
    """A level of a declared category, with its type."""
    return cell if cell is None or isinstance(cell, str | int | float) else str(cell)


def _numbers(column: Column) -> Float:
    """The numbers of a column, NaN where there is no finite one."""
    return number_block(column.to_frame(), column.name, notation_of(""))


def _distinct(cells: _Cells) -> _Distinct:
    if isinstance(cells, np.ndarray):
        return np.unique(cells[~np.isnan(cells)])
    return {cell for cell in cells if cell is not None}


def _without_gaps(distinct: _Distinct, written: Written, with_odd: bool) -> _Distinct:
    """Without signs of missing values, and odd words unless ``with_odd``, where the column holds numbers."""
    if isinstance(distinct, np.ndarray) or written.kind is not CellKind.NUMBER:
        return distinct
    filled = {cell for cell in distinct if str(cell).lower() not in MISSING}
    return filled if with_odd else filled - {*written.odd}


def _labels(distinct: _Distinct, whole: bool) -> list[Label]:
    """The values in order, numbers of their own type."""
    if isinstance(distinct, np.ndarray):
        return [int(value) if whole else value for value in distinct.tolist()]
    return sorted(distinct, key=lambda label: (isinstance(label, str), label))


def _codes(cells: Float, labels: tuple[Label, ...]) -> Float:
    """The place of each number among the labels that are numbers; NaN for one that is none of them."""
    known = np.array([label for label in labels if not isinstance(label, str)], dtype=np.float64)
    places = np.minimum(np.searchsorted(known, cells), max(0, known.size - 1))
    same = known[places] == cells if known.size else np.zeros(cells.size, dtype=np.bool_)
    return np.where(same, places, np.nan)


def target_to_document(target: Target) -> dict[str, Any]:
    """Return the target as strings and numbers, for a JSON file."""
    labels = list(target.labels) if isinstance(target, Classes) else None
    form, log = (target.form, target.log) if isinstance(target, Quantity) else ("", False)
    return {"name": target.name, "task": target.task.value, "labels": labels, "form": form, "log": log}


def target_from_document(document: dict[str, Any]) -> Target:
    """Return the target that ``target_to_document`` wrote; KeyError, TypeError or ValueError otherwise."""
    name, task = str(document["name"]), Task(document["task"])
    if task is Task.REGRESSION:
        form = str(document.get("form", ""))  # this and the next are absent from older files
        notation_of(form)
        return Quantity(name, form, bool(document.get("log", False)))
    labels = tuple(document["labels"])
    if len(labels) < 2 or not all(isinstance(label, str | int | float) for label in labels):
        raise ValueError("class labels must be at least two strings or numbers")
    return Classes(name, labels)
