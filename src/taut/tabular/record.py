"""The record of a fit: the chosen model with everything that led to it, and its predictions."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from taut.arrays import is_sparse
from taut.design import (
    Classes,
    DataError,
    Frame,
    Notation,
    Preparation,
    Quantity,
    Source,
    Told,
    Wanted,
    brief,
    clean,
    for_column,
    holds_sparse,
    read_table,
    runs_of,
    table_decimal,
    usual,
)
from taut.estimators import HeldOutErrors, Layers
from taut.losses import Loss
from taut.messages import outside
from taut.path import LinearPath, Path
from taut.tabular.confusion import Confusion
from taut.tabular.diagnostics import Diagnostics
from taut.tabular.inputs import FitInputs
from taut.tabular.live import live_parts, nonzero_weights
from taut.tabular.offsets import read_offset
from taut.tabular.test_scores import TestScore, outputs
from taut.tabular.tried import Tried
from taut.types import Float

if TYPE_CHECKING:
    from taut.selection import Choice, Scores

RUN_CELLS = 1 << 24
"""Cells of a table that are predicted together."""


class Scales(NamedTuple):
    """Weighted standard deviations (1/n form) over the training rows: of each feature (p,), of the target,
    Σ weight."""

    features: Float
    target: float
    weight: float


def _spread(matrix: Any, used: NDArray[np.intp] | None, count: int) -> Any:
    """A design matrix of the features ``used`` among all ``count``, zeros for those without effect."""
    if used is None:
        return matrix
    if is_sparse(matrix):
        parts = (matrix.data, used[matrix.indices], matrix.indptr)
        return scipy.sparse.csr_array(parts, shape=(matrix.shape[0], count))
    whole = np.zeros((len(matrix), count), order="F")
    whole[:, used] = matrix
    return whole


class DesignRows(NamedTuple):
    """Rows of a table as a design matrix (n, p), and their offset (n,) where the model has one."""

    X: Any
    offset: Float | None


@dataclass(frozen=True, eq=False, repr=False)
class FitRecord(ABC):
    """The data of a fit and its predictions; see ``Fit``, which is one, for the fields."""

    setting: FitInputs
    path: Path
    index: int
    scores: Scores | None
    choice: Choice
    layers: Layers
    spread: Scales
    tested: tuple[TestScore, ...]
    same_as: str | None
    seconds: float
    version: str
    evidence: Diagnostics = field(default_factory=Diagnostics)
    l1_ratio: float | None = None
    gamma: float = 1.0
    members: int = 1
    temperature: float = 1.0
    errors: HeldOutErrors | None = None
    confusion: Confusion | None = None
    tried: tuple[Tried, ...] = ()

    @property
    def lam(self) -> float:
        """The chosen strength λ."""
        return float(self.path.lambdas[self.index])

    @property
    def loss(self) -> Loss:
        """The loss."""
        return self.path.loss

    @property
    def classes(self) -> tuple[Any, ...]:
        """The class labels, in the order of ``predict_proba``; empty for regression."""
        target = self.setting.target
        return target.labels if isinstance(target, Classes) else ()

    @property
    def is_linear(self) -> bool:
        """Whether the chosen model is linear, asked for or because the network did not win."""
        return isinstance(self.path, LinearPath)

    @property
    def nonzeros(self) -> int:
        """Features of a linear model with any coefficient that is not zero; weights of a network."""
        return int(self.path.nonzeros[self.index]) if self.members == 1 else nonzero_weights(self.layers)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the p features of the design matrix."""
        return self.setting.preparation.names

    @property
    def intercept(self) -> Float:
        """Intercept (k,) of the chosen model (of its output layer)."""
        return self.layers.intercepts[-1]

    def decisions(
        self,
        table: Any,
        lam: float | str | None = None,
        say: Callable[[str], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Float]:
        """η of runs of rows of a table, one after the other, so that a file of any size needs little memory.

        ``lam`` as in ``decision``; ``say`` is told at the end what the table had that is new, ``progress`` the bytes read
        of a large file.
        """
        for run in self.runs(table, say, progress, live_parts(self.layers)[0] if lam is None else None):
            yield self.decide(run.X, lam, run.offset)

    def runs(
        self,
        table: Any,
        say: Callable[[str], None] | None = None,
        progress: Callable[[int], None] | None = None,
        needed: NDArray[np.bool_] | None = None,
    ) -> Iterator[DesignRows]:
        """The design matrices and offsets of runs of rows of a table, as ``decisions`` reads it.

        ``needed`` (p,): the features without which there is no prediction, all if None.
        """
        preparation, told = self.setting.preparation, Told()
        setting = self.setting
        shift = setting.options.offset
        columns = (*preparation.columns, *([] if shift is None else [shift]))
        texts = (*preparation.text_columns, *setting.options.reading.marked)
        wanted = Wanted(texts, setting.options.reading, columns, progress, setting.source)
        frame, source = read_table(table, wanted)
        preparation, notation = self._settled(frame, source)
        used = None if needed is None or holds_sparse(frame) else self._used(frame, needed)
        part = preparation if used is None else preparation.take(used.tolist())
        for run in runs_of(frame, RUN_CELLS):
            design = part.transform(run, source.name)
            offset = read_offset(run, source.name, shift, notation, told.rows)
            told.add(design.told)
            yield DesignRows(_spread(design.matrix, used, len(self.features)), offset)
        for remark in (*told.remarks, *self._ignored(frame.columns)):
            if say is not None:
                say(remark)

    def _settled(self, frame: Frame, source: Source) -> tuple[Preparation, Notation]:
        """The preparation for the marks on the numbers of this table, and the notation of its offset."""
        preparation, options = self.setting.preparation, self.setting.options
        told = table_decimal(frame, source)
        settled = preparation if options.decimal else preparation.settled(frame, told)
        return settled, usual(
            for_column(options.decimal, options.offset or "") or told or preparation.decimal
        )

    def _used(self, frame: Frame, needed: NDArray[np.bool_]) -> NDArray[np.intp] | None:
        """The features that are needed, where the table lacks columns that it can do without; else None."""
        return np.flatnonzero(needed) if self.setting.preparation.missing(frame) else None

    def _ignored(self, columns: Sequence[str]) -> list[str]:
        known = self.setting.known
        extra = [clean(c) for c in columns if c not in known]
        more = f" and {len(extra) - 5} more" if len(extra) > 5 else ""
        return [f"ignored, not in training: {', '.join(extra[:5])}{more}"] if extra else []

    def decision(self, table: Any, lam: float | str | None = None) -> Float:
        """η (n,) or (n, k) before the inverse link; at ``lam`` of the path in place of the chosen model if
        given."""
        remarks: list[str] = []
        parts = [*self.decisions(table, lam, remarks.append)]
        for remark in remarks:
            warnings.warn(remark, UserWarning, stacklevel=outside())
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def decide(self, X: Any, lam: float | str | None = None, offset: Any = None) -> Float:
        """η of the rows of a design matrix, with their offset (n,) where the model has one."""
        if lam is not None:
            return self.path.decision(X, lam, offset)
        return self.path.shifted(outputs(self.layers.decision(X)), offset)

    def predict_proba(self, table: Any, lam: float | str | None = None) -> Float:
        """Class probabilities (n, k) in the order of ``classes``. Raises ``DataError`` for regression."""
        eta = self.decision(table, lam)
        return self.probabilities(eta, self.temperature if lam is None else 1.0)

    def predictions(self, eta: Float) -> NDArray[Any]:
        """Predictions from η."""
        if not self.classes:
            mean = np.asarray(self.loss.inverse_link(eta))
            target = self.setting.target
            return target.restored(mean) if isinstance(target, Quantity) else mean
        labels: NDArray[Any] = np.asarray(self.classes)[self.codes(eta)]
        return labels

    def codes(self, eta: Float) -> NDArray[np.intp]:
        """The place (n,) of the most probable class among ``classes``."""
        return np.asarray(eta > 0 if eta.ndim == 1 else eta.argmax(axis=1), dtype=np.intp)

    def probabilities(self, eta: Float, temperature: float = 1.0) -> Float:
        """Class probabilities from η / ``temperature``."""
        if not self.classes:
            raise DataError(
                f"{brief(self.setting.target.name)} is a number: there are no class probabilities"
            )
        mean = np.asarray(self.loss.inverse_link(eta / temperature))
        return np.column_stack([1.0 - mean, mean]) if mean.ndim == 1 else mean

    @abstractmethod
    def __str__(self) -> str:
        """The summary."""
