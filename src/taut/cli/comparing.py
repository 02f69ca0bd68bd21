"""The compare command: penalties and shapes of models on the same rows, folds and test part, and what follows."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from taut.cli.fitting import check_certificate
from taut.cli.outcome import note, remarks_said, usage_errors
from taut.cli.terminal import progress_bar, say, say_json
from taut.estimators import unmet_words
from taut.tabular import (
    INDENT,
    ComparedModel,
    Contender,
    Options,
    PreparedData,
    Verdict,
    check_choices,
    cv_metric,
    fit_contender,
    grouped,
    is_affordable,
    judge,
    labelled,
    metric_of,
    opening,
    prepare,
    run_record,
    significant,
    tabulated,
    with_error,
)

PENALTIES = (("lasso", "L1", "l1"), ("elastic net", "elastic net", "elasticnet"), ("ridge", "L2", "l2"))
NEURONS = (32,)
"""Hidden layers of the networks unless told otherwise."""
ABOVE_EVERY_LAMBDA = 1e30


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


def _entries(prepared: PreparedData, hidden: tuple[int, ...], shown: bool) -> Iterator[ComparedModel]:
    for contender in _candidates(prepared, hidden):
        total = contender.options(prepared.setting.options).pairs
        with progress_bar(total, contender.name, shown) as progress:
            yield fit_contender(prepared, contender, progress)


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
    rows = [head, *((verdict.mark(entry, "advised"), *_row(entry)) for entry in verdict.ranked)]
    table = tabulated(rows, LEFT_OUT_FIRST)
    missed = [e.name for e in verdict.ranked if unmet_words(e.fit.path, e.fit.index)]
    notes = [f"{UNMET} not certified: {', '.join(missed)}"] if missed else []
    return [*table, *labelled("", notes)]


LEFT_OUT_FIRST = (7, 4, 6)
UNMET = "*"
"""Stands behind the name of a model that missed its tolerance."""


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
