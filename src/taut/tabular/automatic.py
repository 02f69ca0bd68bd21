"""Automatic: lasso, elastic net, ridge and network on the same folds, in bounded time, and the simplest as good as the best."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.messages import outside
from taut.tabular.checkpoint import PartOfStore
from taut.tabular.competing import ComparedModel, Contender, Verdict, fit_contender, judge
from taut.tabular.tried import ENDED, NEEDS_DENSE, Tried

if TYPE_CHECKING:
    from taut.solvers import CheckpointStore, Progress
    from taut.tabular.fitted import Fit
    from taut.tabular.inputs import PreparedData
    from taut.tabular.options import Options

MIXES = (0.1, 0.5)
"""Those of the elastic net: the lasso is the mix 1, the ridge 0."""
TIMES = 10.0
"""So many times as long as the lasso takes may all models take."""
LEAST = 60.0
"""Seconds that all models may take at least: where the lasso takes some hundredths, a network does not."""


class OutOfTime(Exception):
    """The time that a model may take has passed."""


class Deadline:
    """Progress that is passed on until ``end``, on the clock of ``now``; then the fit that reports it is ended."""

    def __init__(self, end: float, progress: Progress | None = None) -> None:
        self.end, self._progress = end, progress
        self(0)

    def __call__(self, count: int) -> None:
        """Pass on ``count`` pairs of λ and fold; raise ``OutOfTime`` where it is too late."""
        if now() > self.end:
            raise OutOfTime
        if self._progress is not None and count:
            self._progress(count)


def now() -> float:
    """Seconds on the clock that budgets are counted on."""
    return time.perf_counter()


def fit_automatically(
    prepared: PreparedData, progress: Progress | None = None, store: CheckpointStore | None = None
) -> Fit:
    """Fit the contenders until the budget ends, and return the fit of the one that is taken, with the table of all."""
    asked, start = prepared.setting.options, now()
    prepared = replace(prepared, setting=replace(prepared.setting, asked=asked))
    entries: list[ComparedModel] = []
    remarks: dict[str, list[str]] = {}
    end = float("inf")  # the lasso is always finished
    for place, contender in enumerate(contenders(asked, is_dense(prepared))):
        own = None if store is None else PartOfStore(store, str(place))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            try:
                entries.append(fit_contender(prepared, contender, Deadline(end, progress), own))
            except OutOfTime:
                break
        remarks[contender.name] = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
        if not place:
            spent = now() - start
            end = start + (max(TIMES * spent, LEAST) if asked.budget is None else float(asked.budget))
    verdict = judge(entries)
    for text in remarks[verdict.advised.name]:
        warnings.warn(text, UserWarning, stacklevel=outside())
    tried = _tried(verdict, entries, prepared)
    return replace(verdict.advised.fit, tried=tried, seconds=now() - start)


def contenders(asked: Options, dense: bool) -> list[Contender]:
    """What is tried, simplest first: the network is left out where X stays sparse."""
    one: dict[str, Any] = {"model": None, "budget": None}
    linear: dict[str, Any] = {**one, "hidden": ()}
    sizes, mixes = asked.searched_sizes, ",".join(map(str, MIXES))
    network = Contender(
        f"network {'-'.join(map(str, sizes))}",
        {**one, "hidden": sizes, "fallback": "never"},
        ("--hidden", ",".join(map(str, sizes)), "--fallback", "never"),
    )
    return [
        Contender("lasso", linear, ()),
        Contender(
            "elastic net",
            {**linear, "penalty": "elasticnet", "l1_ratio": MIXES},
            ("--penalty", "elasticnet", "--l1-ratio", mixes),
        ),
        Contender("ridge", {**linear, "penalty": "l2"}, ("--penalty", "l2")),
        *([network] if dense else []),
    ]


def pairs_of(prepared: PreparedData) -> int:
    """How many pairs of λ and fold the whole fit has."""
    asked = prepared.setting.options
    if not asked.search:
        return asked.pairs
    return sum(each.options(asked).pairs for each in contenders(asked, is_dense(prepared)))


def is_dense(prepared: PreparedData) -> bool:
    """Whether networks can be fitted to the rows as they are."""
    return isinstance(prepared.train.X, np.ndarray)


def _tried(verdict: Verdict, entries: list[ComparedModel], prepared: PreparedData) -> tuple[Tried, ...]:
    """A row for each contender, in the order in which they were fitted."""
    asked = prepared.setting.options
    rows = [
        Tried(entry.name, " ".join(entry.asks), verdict.mark(entry, "taken"), "", *entry.score, entry.kept)
        for entry in entries
    ]
    everything = contenders(asked, dense=True)
    possible = len(contenders(asked, is_dense(prepared)))
    rows += [
        Tried(each.name, " ".join(each.asks), "", ENDED if place < possible else NEEDS_DENSE)
        for place, each in enumerate(everything)
        if place >= len(entries)
    ]
    return tuple(rows)
