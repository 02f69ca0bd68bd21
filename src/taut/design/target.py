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
from taut.design.values import Column, Float, is_number, number_block, odd_tokens, texts

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
        place: dict[Label | None, float] = {label: float(code) for code, label in enumerate(self.labels)}
        return np.array([place.get(cell, np.nan) for cell in _labels(frame, self.name, decimal)])


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
    cells = _labels(frame, name, decimal)
    distinct = {c for c in cells if c is not None}
    if len(distinct) < 2:
        found = f"only the value {brief(distinct.pop())}" if distinct else "no value at all"
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


def _natural_task(column: Column, distinct: set[Label]) -> tuple[Task, str]:
    if len(distinct) == 2:
        return Task.CLASSIFICATION, "two values"
    if column.dtype == nw.Boolean:
        return Task.CLASSIFICATION, "truth values"
    if any(isinstance(c, str) for c in distinct):
        return Task.CLASSIFICATION, "text"
    return Task.REGRESSION, "numbers"


def _quantity(name: str, distinct: set[Label], decimal: str) -> Quantity:
    words = odd_tokens((c for c in distinct if isinstance(c, str)), decimal)
    if words:
        shown = brief(min(words))
        raise DataError(f"target {brief(name)} holds {shown}, which is no number; regression needs numbers")
    return Quantity(name)


def _classes(name: str, distinct: set[Label], rows: int) -> Classes:
    if len(distinct) > max(2, rows // 2):
        raise DataError(
            f"target {brief(name)} has {len(distinct)} distinct values in {rows} rows,"
            " too many for classes; choose another target, or regression if it holds numbers"
        )
    return Classes(name, tuple(sorted(distinct, key=lambda c: (isinstance(c, str), c))))


def _labels(frame: Frame, name: str, decimal: str) -> list[Label | None]:
    column = frame[name]
    if column.dtype == nw.Boolean:
        return list(column.to_list())
    if is_number(column.dtype):
        return [_tidy(v) for v in number_block(frame, [name], decimal)[:, 0].tolist()]
    cells = texts(column)
    if odd_tokens({c for c in cells if c is not None}, decimal) or not any(cells):
        return list(cells)
    return [_tidy(v) for v in number_block(frame, [name], decimal)[:, 0].tolist()]


def _tidy(value: float) -> Label | None:
    if np.isnan(value):
        return None
    return int(value) if value.is_integer() else value


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
