"""Tables of the page: coefficients, test, classes, where features enter, and every λ, as texts that stand without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taut.estimators import is_unmet
from taut.report import ReportTable, shown
from taut.tabular.words.metrics import metric_of
from taut.tabular.words.numbers import grouped, signed, significant, with_error
from taut.tabular.words.summary import null_words
from taut.tabular.words.tables import cv_metric, cv_scores, effects, input_norms, marks_of
from taut.tabular.words.tried_words import taken_words, tried_cells, tried_head
from taut.tabular.words.units import coefficient_words

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord

MAX_CLASSES = 12
"""A confusion of more classes is too wide for the page."""
MAX_NAMES = 20
"""Features that are named at one λ."""
MAX_ROWS = 100
"""Rows of a table that stands in the page as text."""


def tables_of(fit: FitRecord) -> tuple[ReportTable, ...]:
    """The tables of a fit's page, those that stand open first."""
    open_ones = (*_tried_table(fit), _kept_table(fit), *_test_table(fit), *_confusion_table(fit))
    return (*open_ones, *_entry_table(fit), _path_table(fit))


def _tried_table(fit: FitRecord) -> tuple[ReportTable, ...]:
    """What an automatic fit compared."""
    if not fit.tried:
        return ()
    rows = tuple((each.mark, *tried_cells(each), each.note) for each in fit.tried)
    words = f"Models compared on the same folds; {taken_words(fit)}"
    return (ReportTable(words, ("mark", "model", *tried_head(fit)[1:], "note"), rows, (0, 1, 4)),)


def _kept_table(fit: FitRecord) -> ReportTable:
    found = effects(fit)
    if found is None:
        norms = input_norms(fit)
        order = [int(j) for j in np.argsort(-norms, kind="stable") if norms[j] > 0]
        inputs = tuple((shown(fit.features[j]), significant(float(norms[j]))) for j in order[:MAX_ROWS])
        return ReportTable(_caption("Inputs", len(order), fit), ("input", "norm of weights, per sd"), inputs)
    strength = np.abs(found.per_sd)
    pairs = [(int(j), int(k)) for j, k in zip(*np.nonzero(strength), strict=True)]
    pairs.sort(key=lambda pair: -strength[pair])
    several = found.units.shape[1] > 1
    rows = tuple(
        (
            shown(fit.features[j]),
            *([shown(fit.classes[k])] if several else []),
            signed(float(found.per_sd[j, k])),
            signed(float(found.units[j, k])),
        )
        for j, k in pairs[:MAX_ROWS]
    )
    head = ("feature", *(["class"] if several else []), "per sd", "per unit")
    noun = f"Coefficients ({shown(coefficient_words(fit))})"
    return ReportTable(_caption(noun, len(pairs), fit), head, rows, (0, 1) if several else (0,))


def _caption(noun: str, count: int, fit: FitRecord) -> str:
    more = f"; the {MAX_ROWS} strongest of {grouped(count)}" if count > MAX_ROWS else ""
    return f"{noun} of the chosen model, λ = {significant(fit.lam, 4)}{more}"


def _test_table(fit: FitRecord) -> tuple[ReportTable, ...]:
    if not fit.tested:
        return ()
    metric = metric_of(fit.loss)
    rows = tuple(
        (model_name(j.model, fit), with_error(j.score, j.error), significant(j.second), shown(j.note))
        for j in fit.tested
    )
    words = f"The {grouped(fit.setting.sizes.test)} test rows, which took no part in the fit"
    return (ReportTable(words, ("model", f"{metric.name} ± SE", metric.second_name, "note"), rows, (0, 3)),)


def _confusion_table(fit: FitRecord) -> tuple[ReportTable, ...]:
    """Which classes were taken for which, where there are so few that a page shows them all."""
    if fit.confusion is None or len(fit.classes) > MAX_CLASSES:
        return ()
    names = [shown(label) for label in fit.classes]
    rows = tuple(
        (name, *(grouped(count, 0) for count in counts))
        for name, counts in zip(names, fit.confusion.counts.tolist(), strict=True)
    )
    words = f"Test rows by their class (in rows) and the class predicted (in columns); AUC {significant(fit.confusion.auc)}"
    return (ReportTable(words, ("class", *names), rows),)


def _path_table(fit: FitRecord) -> ReportTable:
    means, errors = cv_scores(fit)
    marks, explained, path = marks_of(fit), fit.path.deviance_explained, fit.path
    rows = tuple(
        (
            marks.of(i),
            significant(float(path.lambdas[i]), 4),
            grouped(int(path.nonzeros[i])),
            f"{100 * float(explained[i]) + 0.0:.1f}",
            with_error(float(means[i]), float(errors[i])) if fit.scores is not None else "–",
            f"{path.certificates[i].value:.0e}{', not certified' if is_unmet(path.certificates[i]) else ''}",
        )
        for i in range(len(path))
    )
    head = ("mark", "λ", "non-zero", "explained %", f"CV {cv_metric(fit).name} ± SE", "certificate")
    return ReportTable("Every λ of the path", head, rows, folded=True)


def _entry_table(fit: FitRecord) -> tuple[ReportTable, ...]:
    """Which features enter and leave at each λ that changes them; none where a penalty keeps all from the start."""
    changes: dict[int, tuple[list[str], list[str]]] = {}
    for entry in fit.path.entries([shown(name) for name in fit.features]):
        changes.setdefault(entry.index, ([], []))[0 if entry.enters else 1].append(str(entry.feature))
    if len(changes) < 2:
        return ()
    rows = tuple(
        (
            significant(float(fit.path.lambdas[i]), 4),
            *(", ".join(names[:MAX_NAMES]) + _more(names) for names in both),
        )
        for i, both in changes.items()
    )
    return (
        ReportTable(
            "Where features enter the model and leave it", ("λ", "enter", "leave"), rows, (1, 2), folded=True
        ),
    )


def _more(names: list[str]) -> str:
    return f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""


def model_name(name: str, fit: FitRecord) -> str:
    """A tested model in words."""
    words = {
        "null": null_words(fit),
        "unpenalised": "linear, no penalty" if fit.setting.options.hidden else "no penalty",
    }
    return words.get(name, name)
