"""Target: what is predicted, a quantity or one of several classes, decided from its column or as asked."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

import narwhals as nw
import numpy as np

from taut.design.faults import DataError, brief
from taut.design.stored import Frame
from taut.design.values import Column, cells_of, is_number, number_block, odd_tokens, texts
from taut.types import Float

Label: TypeAlias = str | int | float | bool


class Task(enum.Enum):
    """What is asked of the model."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"


class Target(ABC):
    """The column to predict."""

    name: str

    @property
    @abstractmethod
    def task(self) -> Task:
        """Regression or classification."""

    @abstractmethod
    def encode(self, frame: Frame, decimal: str = ".") -> Float:
        """Return the target (n,) as numbers, class codes 0..k−1 for classes; NaN where missing or unknown."""


@final
@dataclass(frozen=True)
class Quantity(Target):
    """A number to predict."""

    name: str

    @property
    def task(self) -> Task:
        """Regression."""
        return Task.REGRESSION

    def encode(self, frame: Frame, decimal: str = ".") -> Float:
        """Return the column's numbers (n,)."""
        return number_block(frame, [self.name], decimal)[:, 0]


@final
@dataclass(frozen=True)
class Classes(Target):
    """One of k classes; the labels as they stand in the table, sorted."""

    name: str
    labels: tuple[Label, ...]

    @property
    def task(self) -> Task:
        """Classification."""
        return Task.CLASSIFICATION

    def encode(self, frame: Frame, decimal: str = ".") -> Float:
        """Return the codes 0..k−1 of the labels (n,)."""
        cells = _cells(frame, self.name, decimal)
        if isinstance(cells, np.ndarray):
            return _codes(cells, self.labels)
        place: dict[Label | None, float] = {label: float(code) for code, label in enumerate(self.labels)}
        return np.array([place.get(cell, np.nan) for cell in cells])


class Understood(NamedTuple):
    """A target, its values (n,) with NaN where missing, and why it is the task that it is."""

    target: Target
    y: Float
    reason: str


def understand_target(frame: Frame, name: str, task: str | None = None, decimal: str = ".") -> Understood:
    """Decide the task: text, truth values or exactly two values mean classification, else regression.

    ``task`` decides otherwise. ``DataError`` where the column cannot serve, ValueError on an unknown task.
    """
    asked = None if task is None else _task(task)
    cells = _cells(frame, name, decimal)
    distinct = _distinct(cells)
    if len(distinct) < 2:
        found = f"only the value {brief(_labels(distinct)[0])}" if len(distinct) else "no value at all"
        raise DataError(f"target {brief(name)} has {found}; there is nothing to predict")
    natural, reason = _natural_task(frame[name], distinct)
    chosen = asked or natural
    target = (
        _quantity(name, distinct, decimal)
        if chosen is Task.REGRESSION
        else _classes(name, distinct, len(cells))
    )
    return Understood(target, target.encode(frame, decimal), "as asked" if asked else reason)


def _task(name: str) -> Task:
    try:
        return Task(name)
    except ValueError:
        raise ValueError(f"task must be 'regression' or 'classification', got {name!r}") from None


def _natural_task(column: Column, distinct: _Distinct) -> tuple[Task, str]:
    if len(distinct) == 2:
        return Task.CLASSIFICATION, "two values"
    if column.dtype == nw.Boolean:
        return Task.CLASSIFICATION, "truth values"
    if not isinstance(distinct, np.ndarray):
        return Task.CLASSIFICATION, "text"
    return Task.REGRESSION, "numbers"


def _quantity(name: str, distinct: _Distinct, decimal: str) -> Quantity:
    numbers = isinstance(distinct, np.ndarray)
    words = [] if numbers else odd_tokens([c for c in distinct if isinstance(c, str)], decimal)
    if words:
        shown = brief(min(words))
        raise DataError(f"target {brief(name)} holds {shown}, which is no number; regression needs numbers")
    return Quantity(name)


def _classes(name: str, distinct: _Distinct, rows: int) -> Classes:
    if len(distinct) > max(2, rows // 2):
        raise DataError(
            f"target {brief(name)} has {len(distinct)} distinct values in {rows} rows, such as"
            f" {brief(str(_labels(distinct)[0]))}, too many for classes; choose another target, or give its numbers without"
            " units and ask for regression"
        )
    return Classes(name, tuple(_labels(distinct)))


_Cells: TypeAlias = "Float | list[str | bool | None]"
"""A column: numbers with NaN where there is none, else truth values or texts; never a Python object for each number."""
_Distinct: TypeAlias = "Float | set[str | bool]"
"""The different values of a column, without those that are missing; numbers ascend."""


def _cells(frame: Frame, name: str, decimal: str) -> _Cells:
    column = frame[name]
    if column.dtype == nw.Boolean:
        return cells_of(column)
    if is_number(column.dtype):
        return number_block(frame, [name], decimal)[:, 0]
    cells = texts(column)
    if odd_tokens({c for c in cells if c is not None}, decimal) or not any(cells):
        return list(cells)
    return number_block(frame, [name], decimal)[:, 0]


def _distinct(cells: _Cells) -> _Distinct:
    if isinstance(cells, np.ndarray):
        return np.unique(cells[~np.isnan(cells)])
    return {cell for cell in cells if cell is not None}


def _labels(distinct: _Distinct) -> list[Label]:
    """The values in order, whole numbers as integers."""
    if isinstance(distinct, np.ndarray):
        return [int(value) if value.is_integer() else value for value in distinct.tolist()]
    return sorted(distinct)


def _codes(cells: Float, labels: tuple[Label, ...]) -> Float:
    """The place of each number among the labels that are numbers; NaN for one that is none of them."""
    known = np.array([label for label in labels if not isinstance(label, str)], dtype=np.float64)
    places = np.minimum(np.searchsorted(known, cells), max(0, known.size - 1))
    same = known[places] == cells if known.size else np.zeros(cells.size, dtype=np.bool_)
    return np.where(same, places, np.nan)


def target_to_document(target: Target) -> dict[str, Any]:
    """Return the target as strings and numbers, for a JSON file."""
    labels = list(target.labels) if isinstance(target, Classes) else None
    return {"name": target.name, "task": target.task.value, "labels": labels}


def target_from_document(document: dict[str, Any]) -> Target:
    """Return the target that ``target_to_document`` wrote; KeyError, TypeError or ValueError otherwise."""
    name, task = str(document["name"]), Task(document["task"])
    if task is Task.REGRESSION:
        return Quantity(name)
    labels = tuple(document["labels"])
    if len(labels) < 2 or not all(isinstance(label, str | int | float) for label in labels):
        raise ValueError("class labels must be at least two strings or numbers")
    return Classes(name, labels)
