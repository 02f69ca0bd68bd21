"""The compare command: penalties and shapes of models on the same rows, folds and test part, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from taut.cli.fitting import check_certificate
from taut.cli.outcome import note, remarks_said, usage_errors
from taut.cli.terminal import progress_bar, say, say_json
from taut.estimators import unmet_words
from taut.tabular import (
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
    """One fitted candidate under its name."""

    name: str
    fit: Fit

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
    """The entries, best score first; who is within one standard error of the first; the simplest of those."""

    ranked: list[ComparedModel]
    close: list[ComparedModel]
    advised: ComparedModel


def run_compare(
    data: Path, *, as_json: bool, quiet: bool, hidden: tuple[int, ...], linear: bool, **choices: Any
) -> None:
    """Fit every candidate and print them side by side, best first, with one sentence of advice."""
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
    if as_json:
        say_json(document(verdict))
    if not silent:
        say([*leaderboard(verdict), *labelled("Advice", [advice(verdict)])])
    check_certificate(verdict.advised.fit)


def judge(entries: list[ComparedModel]) -> Verdict:
    """Rank, and take the simplest of those within one standard error of the best score."""
    ranked = sorted(entries, key=lambda entry: entry.loss[0])
    best, error = ranked[0].loss
    close = [entry for entry in ranked if entry.loss[0] <= best + error]
    return Verdict(ranked, close, min(close, key=lambda entry: entry.complexity))


def _entries(prepared: PreparedData, hidden: tuple[int, ...], shown: bool) -> Iterator[ComparedModel]:
    for name, changes in _candidates(prepared, hidden):
        options = prepared.setting.options.changed(**changes)
        setting = replace(prepared.setting, options=options)
        strengths = len(options.lambdas) if isinstance(options.lambdas, list) else options.strengths
        total = (options.cv * options.repeats + 1) * strengths * (2 if options.hidden else 1)
        with progress_bar(total, name, shown) as progress:
            fit = fit_prepared(replace(prepared, setting=setting), progress)
        if fit.path.interrupted:
            raise KeyboardInterrupt
        yield ComparedModel(name, fit)


def _candidates(prepared: PreparedData, hidden: tuple[int, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    n, p = prepared.train.X.shape
    yield "null", {"lambdas": [ABOVE_EVERY_LAMBDA]}
    setting = prepared.setting
    plan = setting.options.plan(setting.target, setting.preparation.names, setting.preparation.sources)
    if p < n and is_affordable(prepared.train, plan.spec.loss):
        yield "unpenalised", {"lambdas": [0.0]}
    for name, _, penalty in PENALTIES:
        yield name, {"penalty": penalty}
    if hidden:
        sizes = "-".join(map(str, hidden))
        for _, name, penalty in PENALTIES:
            yield f"network {sizes}, {name}", {"penalty": penalty, "hidden": hidden, "fallback": "never"}


def leaderboard(verdict: Verdict) -> list[str]:
    """A row per candidate: CV score ± SE, features kept, λ, test score, seconds."""
    metric = metric_of(verdict.ranked[0].fit.loss)
    head = (
        "",
        f"CV {cv_metric(verdict.ranked[0].fit).name} ± SE",
        "kept",
        "λ",
        f"test {metric.name}",
        metric.second_name,
        "seconds",
    )
    rows = [head, *(_row(entry) for entry in verdict.ranked)]
    widths = [max(len(row[j]) for row in rows) for j in range(len(head))]
    lines = [
        f"{'':9}{row[0]:<{widths[0]}}  "
        + "  ".join(f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    for place, entry in enumerate(verdict.ranked, start=1):
        lines[place] += (
            "   ← advised"
            if entry is verdict.advised
            else "   ← within 1 SE"
            if entry in verdict.close[1:]
            else ""
        )
        if unmet_words(entry.fit.path, entry.fit.index):
            lines[place] += "   not certified"
    lines[1] += "   ← best score"
    return lines


def advice(verdict: Verdict) -> str:
    """One sentence that follows from the rule: within one standard error of the best, the simplest."""
    best, advised = verdict.ranked[0], verdict.advised
    rule = "linear before network, then fewest features"
    features = f"{grouped(advised.kept)} of {grouped(len(advised.fit.features))} features"
    if advised.name == "null":
        return f"No model is better than the null model by more than one standard error ({best.name} scores best)."
    if advised is best:
        return f"Take {advised.name} ({features}): the best score, and nothing simpler is within one standard error ({rule})."
    return (
        f"Take {advised.name} ({features}): within one standard error of the best, {best.name},"
        f" and the simplest of {len(verdict.close)} such models ({rule})."
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
        entry.name,
        with_error(*entry.score),
        grouped(entry.kept),
        "–" if entry.name in ("null", "unpenalised") else significant(fit.lam, 4),
        significant(tested.score, 4) if tested else "–",
        significant(tested.second) if tested else "–",
        f"{fit.seconds:.1f}",
    )
