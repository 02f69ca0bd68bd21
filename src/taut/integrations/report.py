"""The report's part on a network that was trained elsewhere: accounts as tables and pictures, written as one page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import final

import numpy as np

from taut.arrays import Array, to_numpy
from taut.integrations.account import HEAD, Account, ParameterEntry
from taut.report import Curves, Histogram, Paragraph, ReportContent, ReportTable, page, shown

BARS = 41
"""An odd number, so that one bar has zero in its middle."""
PICTURES = 12
"""Histograms on a page: those of the largest parameters."""


@final
@dataclass(frozen=True)
class PathPart:
    """What a page says of a path: its table, λ and what ``validate`` said of each network, and which was the best."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    scores: Sequence[float]
    refits: Sequence[float | None]
    best: int


def histograms(weights: Iterable[tuple[str, Array]]) -> tuple[Histogram, ...]:
    """Of the weights that are not 0, for each parameter that has such."""
    found = []
    for name, w in weights:
        values = to_numpy(w).astype(np.float64).ravel()
        alive = values[np.isfinite(values) & (values != 0)]
        if alive.size:
            largest = float(np.abs(alive).max())
            counts, _ = np.histogram(alive, BARS, (-largest, largest))
            zeros = f"{values.size - alive.size:,} of {values.size:,} exactly zero and not drawn"
            label = f"Weights of {shown(name)}, {zeros}"
            found.append(Histogram(label, largest, tuple(counts.tolist())))
    return tuple(sorted(found, key=lambda one: -sum(one.counts))[:PICTURES])


def write(
    file: FilePath,
    name: str,
    accounts: Sequence[Account],
    bars: Sequence[Histogram],
    path: PathPart | None = None,
) -> FilePath:
    """Write the page of a network, or of the networks of a ``path``; ``bars`` are of the network that it ends with."""
    file.write_bytes(page(content(name, accounts, bars, path)).encode("utf-8", errors="replace"))
    return file


def content(
    name: str, accounts: Sequence[Account], bars: Sequence[Histogram], path: PathPart | None = None
) -> ReportContent:
    """Everything that the page says; every name in it is data, and shown as such."""
    tables = [_table("The path, from dense to sparse", path.head, path.rows, words=())] if path else []
    for number, account in enumerate(accounts):
        caption = f"Parameters at λ = {account.lam:.4g}" if path else "Parameters"
        tables.append(_table(caption, HEAD, account.rows(), words=(0, 1), folded=bool(path) and number > 0))
    last = accounts[path.best if path else -1]
    total = sum(one.size for one in last.entries)
    subtitle = f"{total:,} parameters, {last.weights:,} of them penalised"
    pictures = (*(_curves(accounts, path) if path else ()), *bars)
    return ReportContent(
        shown(name), subtitle, tuple(_lead(last, path)), tuple(tables), pictures=tuple(pictures)
    )


def _lead(account: Account, path: PathPart | None) -> list[Paragraph]:
    """Zeros, dead units and stationarity of one network: of a path the best."""
    words = account.head() + "."
    lead = [Paragraph("The best network of the path" if path else "Weights", words)]
    dead = [*_dead(account, "inputs"), *_dead(account, "neurons")]
    if dead:
        words = f"Alive are {'; '.join(dead)}. A smaller network does without the others."
        lead.append(Paragraph("Dead units", words))
    if account.residual is not None and not path:
        words = (
            f"The distance of minus the gradient of the last batch from λ∂Ω is {account.residual:.3g}"
            " (0 where it is stationary)."
        )
        lead.append(Paragraph("Stationarity", words))
    return lead


def _dead(account: Account, kind: str) -> list[str]:
    """Which parameters have units without any weight, and how many are left."""
    pairs = [(one.name, getattr(one, kind)) for one in account.penalized]
    return [
        f"{units[0]:,} of {units[1]:,} {kind} of {shown(name)}"
        for name, units in pairs
        if units is not None and units[0] < units[1]
    ]


def _curves(accounts: Sequence[Account], path: PathPart) -> list[Curves]:
    """Score, zeros, norms and live neurons along the path, the strongest λ first."""
    lambdas = tuple(account.lam for account in accounts[::-1])
    index = len(accounts) - 1 - path.best
    scored = [("validation", list(path.scores))]
    if any(score is not None for score in path.refits):
        pairs = zip(path.refits, path.scores, strict=True)
        scored.append(("refit", [score if refit is None else refit for refit, score in pairs]))
    several = [one.name for one in accounts[0].penalized if one.neurons is not None]
    drawn = {
        "What validate() said, lower is better": scored,
        "Exact zeros of each parameter, %": _along(accounts, lambda one: 100 * one.zeros / max(one.size, 1)),
        "Euclidean norm of each parameter": _along(accounts, lambda one: one.norm),
        "Live neurons and channels of each parameter, %": [
            line for line in _along(accounts, _live_share) if line[0] in several
        ],
    }
    return [
        Curves(
            label,
            lambdas,
            tuple((shown(name), tuple(map(float, values[::-1]))) for name, values in lines),
            index,
        )
        for label, lines in drawn.items()
        if lines
    ]


def _live_share(one: ParameterEntry) -> float:
    return 0.0 if one.neurons is None else 100 * one.neurons[0] / max(one.neurons[1], 1)


def _along(
    accounts: Sequence[Account], number: Callable[[ParameterEntry], float]
) -> list[tuple[str, list[float]]]:
    """A number of each penalised parameter along the path, the largest parameters first."""
    order = sorted(range(len(accounts[0].penalized)), key=lambda k: -accounts[0].penalized[k].size)
    return [
        (accounts[0].penalized[k].name, [number(account.penalized[k]) for account in accounts]) for k in order
    ]


def _table(
    caption: str,
    head: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    words: tuple[int, ...],
    folded: bool = False,
) -> ReportTable:
    return ReportTable(caption, head, tuple(tuple(map(shown, row)) for row in rows), words, folded)
