"""Account: what a regularizer knows of each parameter, as numbers, as a dict for trackers, and as lines of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from taut.arrays import Array, namespace, to_numpy
from taut.penalties import Penalty

SHOWN = 60
"""Lines of a printed account; a network with more parameters is cut."""


@final
@dataclass(frozen=True)
class ParameterEntry:
    """One parameter: its shape, its penalty (None: unpenalised), λΩ, zeros, and the norms of weights and of the residual.

    ``inputs`` and ``neurons`` are pairs of how many have a weight that is not 0, and how many there are; None for vectors.
    ``residual`` is the Euclidean norm of the distance of −g to λ∂Ω, g the gradient of the data loss that was there.
    """

    name: str
    shape: tuple[int, ...]
    penalty: Penalty | None
    ruled: bool
    value: float
    zeros: int
    norm: float
    inputs: tuple[int, int] | None
    neurons: tuple[int, int] | None
    residual: float | None

    @property
    def size(self) -> int:
        """The number of weights."""
        return math.prod(self.shape)


def entry(
    name: str, w: Array, shape: tuple[int, ...], penalty: Penalty | None, ruled: bool, g: Array | None
) -> ParameterEntry:
    """The entry of weights as penalties read them, (p, k, …): inputs first, neurons second; ``penalty`` has its λ."""
    xp = namespace(w)
    alive = w != 0
    count = int(xp.sum(xp.astype(alive, xp.int64)))
    several = w.ndim >= 2
    return ParameterEntry(
        name,
        shape,
        penalty,
        ruled,
        0.0 if penalty is None else float(penalty.value(w)),
        math.prod(shape) - count,
        float(xp.sqrt(xp.sum(w * w))),
        _living(alive, 0) if several else None,
        _living(alive, 1) if several else None,
        None
        if penalty is None or g is None
        else float(np.linalg.norm(to_numpy(penalty.distance(w, g)).ravel())),
    )


def _living(alive: Array, axis: int) -> tuple[int, int]:
    """Slices along ``axis`` that have an entry, of how many."""
    xp = namespace(alive)
    found = xp.any(alive, axis=tuple(k for k in range(alive.ndim) if k != axis))
    return int(xp.sum(xp.astype(found, xp.int64))), alive.shape[axis]


@final
@dataclass(frozen=True)
class Account:
    """All parameters at one moment; ``loss`` is the data loss where it is known."""

    lam: float
    entries: tuple[ParameterEntry, ...]
    loss: float | None = None

    @property
    def penalized(self) -> list[ParameterEntry]:
        """The entries with a penalty."""
        return [one for one in self.entries if one.penalty is not None]

    @property
    def value(self) -> float:
        """λΩ."""
        return math.fsum(one.value for one in self.penalized)

    @property
    def weights(self) -> int:
        """How many weights are penalised."""
        return sum(one.size for one in self.penalized)

    @property
    def zeros(self) -> int:
        """How many of them are 0."""
        return sum(one.zeros for one in self.penalized)

    @property
    def sparsity(self) -> float:
        """The share of them that is 0."""
        return self.zeros / max(self.weights, 1)

    @property
    def residual(self) -> float | None:
        """The norm of the stationarity residual over all penalised parameters that have a gradient; None without any."""
        found = [one.residual for one in self.penalized if one.residual is not None]
        return math.hypot(*found) if found else None

    def with_loss(self, loss: float | None) -> Account:
        """The same beside a data loss."""
        return replace(self, loss=loss)

    def as_dict(self) -> dict[str, float]:
        """Plain numbers under flat names, as trackers of experiments take them."""
        found: dict[str, float | None] = {
            "lam": self.lam,
            "penalty": self.value,
            "loss": self.loss,
            "objective": None if self.loss is None else self.loss + self.value,
            "zeros": self.zeros,
            "sparsity": self.sparsity,
            "residual": self.residual,
        }
        for one in self.penalized:
            found[f"zeros/{one.name}"], found[f"norm/{one.name}"] = one.zeros, one.norm
            found[f"live_inputs/{one.name}"] = None if one.inputs is None else one.inputs[0]
            found[f"live_neurons/{one.name}"] = None if one.neurons is None else one.neurons[0]
        return {key: value for key, value in found.items() if value is not None}

    def head(self) -> str:
        """λΩ beside the loss, and the zeros, in one line."""
        beside = "" if self.loss is None else f" beside a data loss of {self.loss:.4g}"
        return (
            f"λ = {self.lam:.4g}, λΩ = {self.value:.4g}{beside}; {self.zeros:,} of {self.weights:,} penalised weights are"
            f" exactly 0 ({100 * self.sparsity:.1f} %)"
        )

    def rows(self) -> list[tuple[str, ...]]:
        """A row of texts for each parameter, as ``HEAD`` names them."""
        return [
            (
                one.name,
                _rule(one),
                "×".join(map(str, one.shape)) or "1",
                f"{one.zeros:,} ({100 * one.zeros / max(one.size, 1):.0f} %)",
                _units(one.inputs),
                _units(one.neurons),
                f"{one.value:.3g}" if one.penalty is not None else "–",
            )
            for one in self.entries
        ]

    def __str__(self) -> str:
        return "\n".join([self.head(), *columns([HEAD, *self.rows()])])


HEAD = ("parameter", "penalty", "shape", "zeros", "live inputs", "live neurons", "λΩ")


def _rule(one: ParameterEntry) -> str:
    if one.penalty is None:
        return "none" if one.ruled else "no rule matches"
    return type(one.penalty).__name__


def _units(units: tuple[int, int] | None) -> str:
    return "–" if units is None else f"{units[0]} of {units[1]}"


def columns(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Rows of texts in columns as wide as their longest, the first two to the left, at most ``SHOWN`` of them."""
    widths = [max(len(row[k]) for row in rows[:SHOWN]) for k in range(len(rows[0]))]
    lines = [
        "  ".join(
            text.ljust(width) if k < 2 else text.rjust(width)
            for k, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows[:SHOWN]
    ]
    more = len(rows) - len(lines)
    return [*(line.rstrip() for line in lines), *([f"… and {more} more parameters"] if more > 0 else [])]
