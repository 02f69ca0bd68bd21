"""The compare command: several penalties and shapes on the same rows, folds and test part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from taut.cli.outcome import note, remarks_said
from taut.cli.terminal import progress_bar, say, say_json
from taut.tabular import Fit, fit_prepared, prepare
from taut.tabular.metrics import metric_of
from taut.tabular.numerals import grouped, significant, with_error
from taut.tabular.options import Options
from taut.tabular.setting import Prepared
from taut.tabular.storing import run_record
from taut.tabular.summary import labelled, opening
from taut.tabular.tables import cv_scores

PENALTIES = (("ridge", "l2"), ("elastic net", "elasticnet"), ("lasso", "l1"))


class Entry(NamedTuple):
    """One fitted candidate under its name."""

    name: str
    fit: Fit


def run_compare(data: Path, *, as_json: bool, quiet: bool, hidden: tuple[int, ...], **choices: Any) -> None:
    """Fit every candidate and print them side by side, the lowest CV score marked."""
    silent = quiet or as_json
    with remarks_said(note):
        prepared = prepare(data, Options(**choices))
        if not silent:
            say(opening(prepared.setting)[:-1])
        entries = list(_entries(prepared, hidden, not silent))
    if as_json:
        say_json({entry.name: run_record(entry.fit) for entry in entries})
    if not silent:
        say(comparison(entries))


def _entries(prepared: Prepared, hidden: tuple[int, ...], shown: bool) -> Iterator[Entry]:
    shapes: list[tuple[str, tuple[int, ...]]] = [("", ())]
    if hidden:
        shapes.append((f" network {'-'.join(map(str, hidden))}", hidden))
    for suffix, sizes in shapes:
        for name, penalty in PENALTIES:
            options = replace(
                prepared.setting.options, penalty=penalty, hidden=sizes, fallback="never" if sizes else "2se"
            )
            setting = replace(prepared.setting, options=options)
            total = (options.cv + 1) * options.strengths * (2 if sizes else 1)
            with progress_bar(total, name + suffix, shown) as progress:
                yield Entry(name + suffix, fit_prepared(replace(prepared, setting=setting), progress))


def comparison(entries: list[Entry]) -> list[str]:
    """A row per candidate: λ, non-zeros, CV score ± SE, test score; then who cannot be told from the best."""
    metric = metric_of(entries[0].fit.loss)
    scored = [tuple(float(column[e.fit.index]) for column in cv_scores(e.fit)) for e in entries]
    best = min(range(len(entries)), key=lambda i: scored[i][0])
    limit = scored[best][0] + scored[best][1]
    head = ("", "λ", "Df", f"CV {metric.name} ± SE", f"test {metric.name}", metric.second_name)
    rows = [head, *(_row(e, s) for e, s in zip(entries, scored, strict=True))]
    widths = [max(len(row[j]) for row in rows) for j in range(len(head))]
    lines = [
        f"{row[0]:<{widths[0]}}  " + "  ".join(f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    lines[best + 1] += "   ← lowest CV score"
    close = [e.name for i, e in enumerate(entries) if i != best and scored[i][0] <= limit]
    said = (
        f"within one standard error of it: {', '.join(close)}"
        if close
        else "no other is within one standard error"
    )
    null = entries[0].fit.tested[-1] if entries[0].fit.tested else None
    ends = [said, *([f"null model: test {metric.name} {significant(null.score, 4)}"] if null else [])]
    return [*(" " * 9 + line for line in lines), *labelled("Compared", ends)]


def _row(entry: Entry, scored: tuple[float, ...]) -> tuple[str, ...]:
    fit = entry.fit
    tested = fit.tested[0] if fit.tested else None
    return (
        entry.name,
        significant(fit.lam, 4),
        grouped(int(fit.path.nonzeros[fit.index])),
        with_error(*scored),
        significant(tested.score, 4) if tested else "–",
        significant(tested.second) if tested else "–",
    )
