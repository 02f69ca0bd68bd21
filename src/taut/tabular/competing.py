"""Competing: models of the same rows, folds and test part, and the simplest of those that are as good as the best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from taut.selection import Scores
from taut.tabular.live import live_parts
from taut.tabular.one_model import fit_one_model
from taut.tabular.options import Options
from taut.tabular.words.tables import cv_scores

if TYPE_CHECKING:
    from taut.solvers import CheckpointStore, Progress
    from taut.tabular.fitted import Fit
    from taut.tabular.inputs import PreparedData


class Contender(NamedTuple):
    """A model to compare: its name, what it changes in the options, and the words that ask ``taut fit`` for it."""

    name: str
    changes: dict[str, Any]
    asks: tuple[str, ...]

    def options(self, asked: Options) -> Options:
        """The options that are fitted."""
        return asked.changed(**self.changes)


class ComparedModel(NamedTuple):
    """One fitted contender under its name, and the words that ask ``taut fit`` for it."""

    name: str
    fit: Fit
    asks: tuple[str, ...] = ()

    @property
    def score(self) -> tuple[float, float]:
        """Cross-validated score and its standard error."""
        scores, errors = cv_scores(self.fit)
        return float(scores[self.fit.index]), float(errors[self.fit.index])

    @property
    def loss(self) -> tuple[float, float]:
        """The score as the smaller the better, and its standard error."""
        score, error = self.score
        return (-score if self.fit.scores is not None and self.fit.scores.measures else score), error

    @property
    def kept(self) -> int:
        """Features that the predictions depend on."""
        return int(live_parts(self.fit.layers)[0].sum())

    @property
    def complexity(self) -> tuple[bool, int]:
        """What simpler means: linear before network, then fewer features."""
        return not self.fit.is_linear, self.kept


class Verdict(NamedTuple):
    """The entries, best score first; who is not worse than the first by more than one standard error of the difference, fold
    by fold; the simplest of those."""

    ranked: list[ComparedModel]
    close: list[ComparedModel]
    advised: ComparedModel

    def mark(self, entry: ComparedModel, advised: str) -> str:
        """``advised`` for the one that is, else best score, or as good as the best."""
        if entry is self.advised:
            return advised
        return "best" if entry is self.ranked[0] else "close" if entry in self.close else ""


def fit_contender(
    prepared: PreparedData,
    contender: Contender,
    progress: Progress | None = None,
    store: CheckpointStore | None = None,
) -> ComparedModel:
    """Fit a contender, as ``taut fit`` would with its words; KeyboardInterrupt where the fit was interrupted."""
    setting = prepared.setting
    options = contender.options(setting.options)
    own = replace(setting, options=options, model=options.words(setting.target))
    fit = fit_one_model(replace(prepared, setting=own), progress, store)
    if fit.path.interrupted:
        raise KeyboardInterrupt
    return ComparedModel(contender.name, fit, contender.asks)


def judge(entries: list[ComparedModel]) -> Verdict:
    """Rank, and take the simplest of those that are not clearly worse than the best."""
    ranked = sorted(entries, key=lambda entry: entry.loss[0])
    close = [entry for entry in ranked if is_close(entry, ranked[0])]
    return Verdict(ranked, close, min(close, key=lambda entry: entry.complexity))


def is_close(entry: ComparedModel, best: ComparedModel) -> bool:
    """Whether Σ w_k d_k/Σ w_k ≤ its standard error, d_k = loss − the best one's on fold k of weight w_k (see ``Scores``)."""
    own, other = (one.fit.scores.deciding for one in (entry, best) if one.fit.scores is not None)
    apart = own.folds[:, [entry.fit.index]] - other.folds[:, [best.fit.index]]
    difference = Scores(own.lambdas[:1], apart, own.fold_weights, own.repeats)
    return float(difference.mean[0]) <= float(np.nan_to_num(difference.standard_error[0]))
