"""Regularized: what every regularizer of a model that lives elsewhere has, and what a path asks of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path as FilePath
from typing import Any

from taut.arrays import Array
from taut.integrations.account import Account
from taut.integrations.report import histograms, write
from taut.penalties import number


class Regularized(ABC):
    """The penalties of a model's parameters with one strength λ for all of them."""

    _lam: float

    @property
    def lam(self) -> float:
        """λ, by which every penalty is multiplied."""
        return self._lam

    @lam.setter
    def lam(self, value: float) -> None:
        self._lam = number("lam", value)

    @abstractmethod
    def account(self, loss: Any = None) -> Account:
        """Penalty, zeros, live inputs and neurons of every parameter now; ``loss`` is the data loss, if known."""

    @abstractmethod
    def snapshot(self) -> Any:
        """A copy of all weights of the model, on the host."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Bring a snapshot back into the model."""

    @abstractmethod
    def null(self) -> AbstractContextManager[None]:
        """Within it all penalised weights are 0."""

    @abstractmethod
    def zeros_held(self) -> AbstractContextManager[None]:
        """Within it a step holds zeros and penalises no other weight: a refit of what is kept."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The model's name, on a page."""

    @abstractmethod
    def weights(self) -> Iterator[tuple[str, Array]]:
        """The penalised parameters by name."""

    def report(self, file: str | FilePath, loss: Any = None) -> FilePath:
        """Write a page on the weights as they are now: one HTML file that asks nothing of any network."""
        return write(FilePath(file), self.title, [self.account(loss)], histograms(self.weights()))

    def log(self, loss: Any = None) -> dict[str, float]:
        """The account as a flat dict for a tracker: λΩ, the objective with ``loss``, zeros, norms, live units, residual.

        The residual is there where gradients lie in the parameters, those of the last batch: call it before zero_grad().
        """
        return self.account(loss).as_dict()

    def __str__(self) -> str:
        return str(self.account())
