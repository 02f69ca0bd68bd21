"""The compare command: penalties and shapes of models on the same rows, folds and test part, and what follows."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from taut.cli.fitting import check_certificate
from taut.cli.outcome import note, remarks_said, usage_errors
from taut.cli.terminal import progress_bar, say, say_json
from taut.estimators import unmet_words
from taut.selection import Scores
from taut.tabular import (
    INDENT,
    WIDTH,
    Fit,
    Options,
    PreparedData,
    check_choices,
    cv_metric,
    cv_scores,
    fit_prepared,
    grouped,
    is_affordable,
    labelled,
    live_parts,
    metric_of,
    opening,
    prepare,
    run_record,
    significant,
    with_error,
)

PENALTIES = (("lasso", "L1", "l1"), ("elastic net", "elastic net", "elasticnet"), ("ridge", "L2", "l2"))
NEURONS = (32,)
"""Hidden layers of the networks unless told otherwise."""
ABOVE_EVERY_LAMBDA = 1e30


class ComparedModel(NamedTuple):
    """One fitted candidate under its name, and the words that ask ``taut fit`` for it."""

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


class Contender(NamedTuple):
    """A model to compare: its name, what it changes in the options, and the words that ask ``taut fit`` for it."""

    name: str
    changes: dict[str, Any]
    asks: tuple[str, ...]


class Verdict(NamedTuple):
    """The entries, best score first; who is not worse than the first by more than one standard error of the difference, fold
    by fold; the simplest of those."""

    ranked: list[ComparedModel]
    close: list[ComparedModel]
    advised: ComparedModel


def run_compare(
    data: Path,
    *,
    command: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    hidden: tuple[int, ...],
    linear: bool,
    **choices: Any,
) -> None:
    """Fit every candidate and print them side by side, best first, with one sentence of advice and its command.

    ``command``: the words that say which data are compared, and how; with ``taut fit`` before them the advice is followed.
    """
    silent, options = quiet or as_json, Options.of(**choices)
    with usage_errors():
        check_choices(options)
    with remarks_said(note):
        networks = () if linear else hidden or NEURONS
        prepared = prepare(data, options, networks=bool(networks))
        if not silent:
            say(opening(prepared.setting)[:-1])
        entries = list(_entries(prepared, networks, not silent))
    verdict = judge(entries)
    follow = shlex.join(["taut", "fit", *command, *verdict.advised.asks])
    if as_json:
        say_json({**document(verdict), "command": follow})
    if not silent:
        say([*leaderboard(verdict), *labelled("Advice", [advice(verdict)]), f"{'Next':<{INDENT}}{follow}"])
    check_certificate(verdict.advised.fit)


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


def _entries(prepared: PreparedData, hidden: tuple[int, ...], shown: bool) -> Iterator[ComparedModel]:
    for name, changes, asks in _candidates(prepared, hidden):
        options = prepared.setting.options.changed(**changes)
        setting = replace(prepared.setting, options=options)
        strengths = len(options.lambdas) if isinstance(options.lambdas, list) else options.strengths
        total = (options.cv * options.repeats + 1) * strengths * (2 if options.hidden else 1)
        with progress_bar(total, name, shown) as progress:
            fit = fit_prepared(replace(prepared, setting=setting), progress)
        if fit.path.interrupted:
            raise KeyboardInterrupt
        yield ComparedModel(name, fit, asks)


def _candidates(prepared: PreparedData, hidden: tuple[int, ...]) -> Iterator[Contender]:
    n, p = prepared.train.X.shape
    yield Contender("null", {"lambdas": [ABOVE_EVERY_LAMBDA]}, ("--lam", f"{ABOVE_EVERY_LAMBDA:g}"))
    setting = prepared.setting
    plan = setting.options.plan(setting.target, setting.preparation.names, setting.preparation.sources)
    if p < n and is_affordable(prepared.train, plan.spec.loss):
        yield Contender("unpenalised linear" if hidden else "unpenalised", {"lambdas": [0.0]}, ("--lam", "0"))
    for name, _, penalty in PENALTIES:
        yield Contender(name, {"penalty": penalty}, ("--penalty", penalty))
    sizes = {"hidden": hidden, "fallback": "never"}
    for _, name, penalty in PENALTIES if hidden else ():
        asks = ("--penalty", penalty, "--hidden", ",".join(map(str, hidden)), "--fallback", "never")
        words = f"network {'-'.join(map(str, hidden))}, {name}"
        yield Contender(words, {"penalty": penalty, **sizes}, asks)


def leaderboard(verdict: Verdict) -> list[str]:
    """A row per candidate: what it is marked as, CV score ± SE, features kept, test score, λ and seconds.

    Where the terminal is too narrow, seconds, λ and the second test number are left out, in this order.
    """
    metric = metric_of(verdict.ranked[0].fit.loss)
    cv = f"CV {cv_metric(verdict.ranked[0].fit).name} ± SE"
    head = ("", "", cv, "kept", "λ", f"test {metric.name}", metric.second_name, "seconds")
    rows = [head, *((_mark(entry, verdict), *_row(entry)) for entry in verdict.ranked)]
    widths = [max(len(row[j]) for row in rows) for j in range(len(head))]
    widths[0] = max(widths[0], INDENT - 2)
    left_out: list[int] = []
    for column in LEFT_OUT_FIRST:
        shown = [width for j, width in enumerate(widths) if j not in left_out]
        if sum(shown) + 2 * (len(shown) - 1) > WIDTH.get():
            left_out.append(column)
    table = [_line(row, widths, left_out) for row in rows]
    missed = [e.name for e in verdict.ranked if unmet_words(e.fit.path, e.fit.index)]
    notes = [f"{UNMET} not certified: {', '.join(missed)}"] if missed else []
    return [*table, *labelled("", notes)]


LEFT_OUT_FIRST = (7, 4, 6)
UNMET = "*"
"""Stands behind the name of a model that missed its tolerance."""


def _line(row: tuple[str, ...], widths: list[int], left_out: list[int]) -> str:
    cells = [
        f"{cell:<{width}}" if j < 2 else f"{cell:>{width}}"
        for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        if j not in left_out
    ]
    return "  ".join(cells).rstrip()


def _mark(entry: ComparedModel, verdict: Verdict) -> str:
    """Best score, advised, or as good as the best."""
    if entry is verdict.advised:
        return "advised"
    return "best" if entry is verdict.ranked[0] else "close" if entry in verdict.close else ""


def advice(verdict: Verdict) -> str:
    """One sentence that follows from the rule: within one standard error of the best, the simplest."""
    best, advised = verdict.ranked[0], verdict.advised
    rule = "linear before network, then fewest features"
    features = f"{grouped(advised.kept)} of {grouped(len(advised.fit.features))} features"
    if advised.name == "null":
        return (
            "No model is better than the null model by more than one standard error of their difference, fold by fold"
            f" ({best.name} scores best)."
        )
    if advised is best:
        return f"Take {advised.name} ({features}): the best score, and nothing simpler is as good ({rule})."
    return (
        f"Take {advised.name} ({features}): as good as the best, {best.name}, within one standard error of their"
        f" difference, fold by fold, and the simplest of {len(verdict.close)} such models ({rule})."
    )


def document(verdict: Verdict) -> dict[str, Any]:
    """The comparison as JSON holds it."""
    metric = cv_metric(verdict.ranked[0].fit)
    close = {entry.name for entry in verdict.close}
    models = [
        {
            "name": entry.name,
            "cv": {"score": entry.score[0], "standard_error": entry.score[1]},
            "kept": entry.kept,
            "within_one_standard_error": entry.name in close,
            **run_record(entry.fit),
        }
        for entry in verdict.ranked
    ]
    return {
        "measure": metric.name,
        "models": models,
        "advised": verdict.advised.name,
        "advice": advice(verdict),
    }


def _row(entry: ComparedModel) -> tuple[str, ...]:
    fit = entry.fit
    tested = fit.tested[0] if fit.tested else None
    return (
        entry.name + (UNMET if unmet_words(fit.path, fit.index) else ""),
        with_error(*entry.score),
        grouped(entry.kept),
        "–" if len(fit.path) == 1 else significant(fit.lam, 4),
        significant(tested.score, 4) if tested else "–",
        significant(tested.second) if tested else "–",
        f"{fit.seconds:.1f}",
    )
