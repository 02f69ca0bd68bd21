"""Narrative: a fit in a few plain sentences: what was fitted, what was chosen and why, what it costs, what is not known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from taut.estimators import unmet_words
from taut.penalties import Penalty
from taut.report import Paragraph, shown
from taut.solvers import Measure
from taut.tabular.words.metrics import metric_of
from taut.tabular.words.numbers import counted, grouped, significant, with_error
from taut.tabular.words.path_summary import certificates, fold_words
from taut.tabular.words.summary import mean_words, temperature_words, variant_words
from taut.tabular.words.tables import cv_metric, cv_scores, marks_of
from taut.tabular.words.units import class_words, coefficient_words

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord

MINUS = re.compile(r"(?<=\de)-(?=\d)")
"""A power of ten is not to be broken at its sign."""

PULLS = {
    "l1": "The lasso penalty λ·Σ|w| pulls every weight towards zero and makes those that are not needed exactly zero",
    "l2": "The ridge penalty λ·Σw² shrinks every weight towards zero and keeps all of them",
    "elasticnet": "The elastic-net penalty, a mix of λ·Σ|w| and λ·Σw², shrinks the weights and makes some exactly zero",
    "mcp": "The penalty MCP makes weights that are not needed exactly zero, and leaves large ones as they are",
    "scad": "The penalty SCAD makes weights that are not needed exactly zero, and leaves large ones as they are",
    "group": "The group lasso λ·Σ√|g|·‖w‖ makes all weights of a column of the table, such as the levels of a category, zero"
    " together",
}
KINDS = {
    "group lasso": "group",
    "MCP": "mcp",
    "SCAD": "scad",
    "lasso": "l1",
    "ridge": "l2",
    "elastic net": "elasticnet",
}
"""Penalties in words, and what is said of them."""


def title(fit: FitRecord) -> tuple[str, str]:
    """The page's title and the line under it."""
    setting = fit.setting
    rows, features = grouped(setting.sizes.train), counted(len(fit.features), "feature")
    name, source = shown(setting.target.name), source_name(fit)
    return f"{name}, predicted from {source}", f"{setting.model} · {rows} training rows × {features}"


def source_name(fit: FitRecord) -> str:
    """The file, or, where there was none, what the rows stood in."""
    source = fit.setting.source
    return shown(source.name) if source.digest else f"a {shown(source.name)}"


def narrative(fit: FitRecord) -> tuple[Paragraph, ...]:
    """The narrative with which a page begins."""
    parts = [
        ("What was fitted.", _fitted(fit)),
        ("What was chosen.", _chosen(fit)),
        ("What it costs.", _cost(fit)),
        ("How exact it is.", _exact(fit)),
        ("What can not be concluded.", _limits(fit)),
    ]
    return tuple(Paragraph(heading, MINUS.sub("−", text)) for heading, text in parts)


def _fitted(fit: FitRecord) -> str:
    setting = fit.setting
    what = f"{'A linear model' if fit.is_linear else 'A neural network'} of {shown(setting.target.label)}"
    rows = f"fitted to {counted(setting.sizes.train, 'row')} of {source_name(fit)}"
    asked = setting.options.shape
    kind = KINDS.get(asked.words[0], "") if isinstance(asked, Penalty) else str(asked)
    pull = PULLS.get(kind, "The penalty shrinks the weights towards zero")
    mean = f" The final model is {mean_words(fit)}; the path has one network of all rows at every λ."
    biases = "is penalised too" if setting.options.penalizes_intercept else "is not penalised"
    variants = "".join(f" Of variants: {words}." for words in variant_words(fit))
    shift = setting.options.offset
    offset = (
        f" To the predictor {shown(shift)} is added as it stands, without a weight."
        if shift is not None
        else ""
    )
    taken = f" A network was asked for; taken was {fit.choice}." if setting.options.hidden else ""
    scale = (
        "Features count per standard deviation, so one λ is fair to all of them; the"
        if setting.options.model["standardize"]
        else "Features are penalised as they stand in the table; the"
    )
    tempered = "".join(f" Of the {words}." for words in temperature_words(fit))
    told = f"{offset}{taken}{mean if fit.members > 1 else ''}{tempered}{variants}{_read(fit)}"
    return f"{what}, {rows}. {pull}; the larger λ, the simpler the model. {scale} intercept {biases}.{told}"


def _read(fit: FitRecord) -> str:
    """What a positive coefficient means, where it is not plain."""
    if not fit.is_linear or not fit.classes:
        return ""
    made = f"makes {shown(class_words(fit))} more likely" if len(fit.classes) == 2 else "speaks for its class"
    return f" Coefficients are {shown(coefficient_words(fit))}: a positive one {made}."


def _chosen(fit: FitRecord) -> str:
    marks = marks_of(fit)
    here = f"λ = {significant(fit.lam, 4)}"
    kept = _kept(fit, fit.index)
    if fit.scores is None or marks.min is None or marks.one_se is None:
        word = fit.setting.options.lam if isinstance(fit.setting.options.lam, str) else "as given"
        return f"{here}, {word if word == 'as given' else f'where the {word.upper()} is smallest'}. It keeps {kept}."
    best, what = ("best", "score") if fit.scores.measures else ("lowest", "error")
    reasons = {
        marks.one_se: f"the strongest λ whose {what} is within one standard error of the {best} (rule 1se)",
        marks.min: f"the λ with the {best} cross-validated {what} (rule min)",
    }
    why = reasons.get(marks.chosen, "as asked")
    other = marks.min if marks.chosen == marks.one_se else marks.one_se
    said = f"{here}, {why}: {_score(fit, marks.chosen)} over {fold_words(fit)}. It keeps {kept}."
    if other == marks.chosen:
        return f"{said} Both rules choose this λ."
    name = "min" if other == marks.min else "1se"
    lam = significant(float(fit.path.lambdas[other]), 4)
    return f"{said} The other rule, {name}, would take λ = {lam}: {_kept(fit, other)}, {_score(fit, other)}."


def _kept(fit: FitRecord, index: int) -> str:
    count = fit.nonzeros if index == fit.index else int(fit.path.nonzeros[index])
    if fit.is_linear:
        return f"{grouped(count)} of {counted(len(fit.features), 'feature')}"
    return f"{counted(count, 'weight')}"


def _score(fit: FitRecord, index: int) -> str:
    means, errors = cv_scores(fit)
    return f"{cv_metric(fit).name} {with_error(float(means[index]), float(errors[index]))}"


def _cost(fit: FitRecord) -> str:
    explained = 100 * fit.path.deviance_explained
    best = int(np.argmax(explained))
    target, logged = fit.setting.target, fit.setting.options.log_target
    share = "of the variance" if metric_of(fit.loss).second_name == "R²" else "of the deviance"
    share += f" of {shown(target.label)}" if logged else ""
    who = "it" if fit.members == 1 else "the network of the path"
    said = (
        f"On the rows it was fitted to {who} explains {explained[fit.index]:.1f} % {share}; the weakest penalty of the path"
        f" explains {explained[best]:.1f} %. What is given up there is meant to be won back on rows not seen."
    )
    if not fit.tested:
        return f"{said} No rows were held out, so nothing here says how it does on new ones but the cross-validation."
    metric, first = metric_of(fit.loss), fit.tested[0]
    others = {j.model: j for j in fit.tested[1:] if np.isfinite(j.score)}
    without = (
        "a linear model without a penalty has"
        if fit.setting.options.hidden
        else "without a penalty it would be"
    )
    words = {"unpenalised": without, "null": "without any feature"}
    compared = [f"{words[name]} {significant(others[name].score, 4)}" for name in words if name in others]
    own = with_error(first.score, first.error)
    test = f"On {counted(fit.setting.sizes.test, 'test row')} that took no part: {metric.name} {own}"
    second = f"{metric.second_name} {significant(first.second)}"
    second += f", AUC {significant(fit.confusion.auc)}" if fit.confusion is not None else ""
    units = (
        f" A prediction is the exponential of what was fitted, in the units of {shown(target.name)}."
        if logged
        else ""
    )
    return f"{said} {test} ({second}{'; ' if compared else ''}{', '.join(compared)}).{units}"


def _exact(fit: FitRecord) -> str:
    found = fit.path.certificates[fit.index]
    whole = certificates(fit.path.certificates)
    if found.measure is Measure.DUALITY_GAP:
        own = (
            f"The chosen λ has a relative duality gap of {found.value:.0e}: no other weights lower the penalised loss by"
            " more than this share of what the null model has to lose."
        )
    elif found.measure is Measure.STATIONARITY:
        where = (
            "these weights lie at the bottom of one; that it is the deepest, nobody can certify"
            if found.met
            else f"above {found.tol:.0e}, so these weights are still on their way down to the bottom of one"
        )
        own = (
            "The loss of a network has many valleys."
            f" The stationarity residual at the chosen λ is {found.value:.0e}: {where}."
        )
    else:
        own = f"At the chosen λ the {found.measure.value} is {found.value:.0e}."
    unmet = unmet_words(fit.path, fit.index)
    note = f" Note: {found.note}." if found.note and not unmet else ""
    own += f" The tolerance is missed: {unmet}." if unmet else ""
    return f"{own} Over the whole path: {whole}.{note}"


def _limits(fit: FitRecord) -> str:
    said = [
        "A coefficient is no cause: it says what goes together in this table, the other kept features held fixed.",
        "A feature that was left out may matter: of two that say the same, the penalty keeps one, and other rows might"
        " have kept the other (see how many of the fits keep it).",
        "Coefficients are shrunk on purpose, and no standard errors or p-values follow from them.",
    ]
    if fit.scores is not None and fit.setting.options.lam == "cv":
        said.append("The cross-validated score at the chosen λ is the best of many, so it flatters a little.")
    said.append("Nothing here speaks for rows unlike those of the table.")
    return " ".join(said)
