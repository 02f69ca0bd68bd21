"""Summary: a fit in some twenty lines of text, the same on a terminal, in a file and after loading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taut.design import Classes, LeftOut, Preparation, Quantity, Reason, TermKind, clean
from taut.estimators import unmet_words
from taut.tabular.inputs import FitInputs
from taut.tabular.live import live_parts
from taut.tabular.words.classes import confusion_lines
from taut.tabular.words.found_hints import found_hints
from taut.tabular.words.layout import INDENT, WIDTH, labelled
from taut.tabular.words.metrics import metric_of
from taut.tabular.words.numbers import counted, grouped, signed, significant, with_error
from taut.tabular.words.path_summary import path_rows, path_summary
from taut.tabular.words.tables import effects, input_norms
from taut.tabular.words.tried_words import tried_lines
from taut.tabular.words.units import eta_words

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord
    from taut.tabular.test_scores import TestScore

SHOWN_FEATURES = 10
SHOWN_NAMES = 4


def summary(fit: FitRecord) -> str:
    """Every line of a fit."""
    return "\n".join([*opening(fit.setting), *closing(fit)])


def opening(setting: FitInputs) -> list[str]:
    """What is known before the fit: what was read, how it was prepared, which model is fitted."""
    read, prepared = labelled("Read", source_words(setting)), labelled("Prepared", preparation_words(setting))
    hints = [line for hint in setting.hints for line in labelled("Hint", [hint])]
    return [*read, *prepared, *labelled("Leak?", _leaks(setting)), *hints, *_model(setting)]


def _leaks(setting: FitInputs) -> list[str]:
    if not setting.leaks:
        return []
    return ["; ".join(setting.leaks) + ": leave out (--drop) what is not known when a prediction is made"]


def closing(fit: FitRecord) -> list[str]:
    """What the fit found: network or linear, path, features, test, equivalents."""
    unmet = unmet_words(fit.path, fit.index)
    found = [*tried_lines(fit), *_taken(fit), *labelled("Path", [path_summary(fit)]), *path_rows(fit)]
    lines = [*found, *labelled("Unmet", [unmet] if unmet else []), *_kept(fit)]
    tested = [*labelled("Test", [_test(fit)]), *confusion_lines(fit)]
    hints = [line for hint in found_hints(fit) for line in labelled("Hint", [hint])]
    return [*lines, *tested, *hints, *_same_as(fit)]


def source_words(setting: FitInputs) -> list[str]:
    """What was read, and how its rows were split."""
    sizes, seed = setting.sizes, setting.options.seed
    shape = f"{grouped(sizes.rows)} rows × {grouped(sizes.columns)} columns"
    how = f"seed {seed}"
    if setting.options.groups:
        how = f"whole groups of {clean(setting.options.groups)}, {how}"
    elif setting.options.time:
        how = f"the latest by {clean(setting.options.time)}"
    parts = f"{grouped(sizes.train)} train / {grouped(sizes.test)} test ({how})"
    found = [f"{setting.source.name}  {shape} → {parts}", *setting.source.remarks]
    if sizes.dropped:
        found.append(f"{counted(sizes.dropped, 'row')} without a target left out")
    return ["; ".join(found), *setting.source.notes]


def preparation_words(setting: FitInputs) -> list[str]:
    """What became of the columns."""
    preparation = setting.preparation
    numeric = len({r.source for r in preparation.numbers.reads})
    scaled = "standardised" if setting.options.model["standardize"] else "as given"
    parts = [f"{grouped(numeric)} numeric ({scaled})"] if numeric else []
    parts += [*_categories(preparation), *_words(preparation)]
    flagged = sum(preparation.numbers.flagged)
    filled = [f"{counted(flagged, 'column')} median-imputed, {_indicators(preparation)}"] if flagged else []
    made = _derived(preparation)
    return ["; ".join([", ".join(parts), *filled, *made]), *_left_out(preparation), *preparation.remarks]


def _derived(preparation: Preparation) -> list[str]:
    """How many features are powers, splines and products of others."""
    kinds = [term.kind for term in preparation.derived.terms]
    words = {TermKind.POWER: "power", TermKind.SPLINE: "spline", TermKind.PRODUCT: "product"}
    counts = [counted(kinds.count(kind), word) for kind, word in words.items() if kind in kinds]
    return [f"{', '.join(counts)} of them added"] if counts else []


def _indicators(preparation: Preparation) -> str:
    """How many missing-value indicators are features: columns with gaps in the same rows share one."""
    values, all_numbers = len(preparation.numbers.reads), len(preparation.numbers.names)
    return counted(sum(values <= j < all_numbers for j in preparation.selected), "missing-value indicator")


def _categories(preparation: Preparation) -> list[str]:
    if not preparation.categories:
        return []
    sources = {c.source for c in preparation.categories}
    features = sum(source in sources for source in preparation.plain_sources)
    single = any(c.single for c in preparation.categories)
    pooled = sum(len(c.pooled) for c in preparation.categories)
    note = f"no level dropped{'; two levels: one column' if single else ''}"
    note += f"; {counted(pooled, 'rare level')} pooled" if pooled else ""
    return [f"{len(sources)} categorical → {grouped(features)} one-hot ({note})"]


def _words(preparation: Preparation) -> list[str]:
    """How many words the texts gave."""
    if not preparation.words:
        return []
    features = sum(len(own.names) for own in preparation.words)
    return [
        f"{counted(len(preparation.words), 'text')} → {grouped(features)} words and pairs of words (TF-IDF)"
    ]


def _left_out(preparation: Preparation) -> list[str]:
    grouped_by = {
        reason: [x for x in preparation.left_out if x.reason is reason] for reason in _reasons(preparation)
    }
    if not grouped_by:
        return []
    parts = [f"{len(found)} {reason.value} ({_names(found)})" for reason, found in grouped_by.items()]
    return [f"left out: {', '.join(parts)}"]


def _reasons(preparation: Preparation) -> list[Reason]:
    return list(dict.fromkeys(x.reason for x in preparation.left_out))


def _names(left_out: Sequence[LeftOut]) -> str:
    shown = [clean(x.name) or "unnamed" for x in left_out[:SHOWN_NAMES]]
    return ", ".join([*shown, *(["…"] if len(left_out) > SHOWN_NAMES else [])])


def _model(setting: FitInputs) -> list[str]:
    options, target = setting.options, setting.target
    count = len(target.labels) if isinstance(target, Classes) else 0
    reason = f"{setting.reason}, {count} classes" if count > 2 else setting.reason
    if isinstance(target, Quantity) and target.log:
        reason += f"; predictions and test in the units of {clean(target.name)}"
    task = f"{target.task.value} of {clean(target.label)} ({reason})"
    biases = "biases" if options.hidden and options.model["bias_penalties"] is None else "intercept"
    penalised = "penalised too" if options.penalizes_intercept else "not penalised"
    return labelled("Model", [f"{task}, {setting.model}; {biases} {penalised}"])


def _taken(fit: FitRecord) -> list[str]:
    network = [f"{fit.choice}{_other_way(fit)}"] if fit.setting.options.hidden else []
    return labelled("Taken", [*network, *variant_words(fit), *final_words(fit)])


def final_words(fit: FitRecord) -> list[str]:
    """What the final model is, where it is not the one of all rows, and how its probabilities are tempered."""
    mean = [] if fit.members == 1 else [f"{mean_words(fit)} (--final refit: one of all rows)"]
    return [*mean, *temperature_words(fit)]


def temperature_words(fit: FitRecord) -> list[str]:
    """That the held-out rows found the probabilities too sure or not sure enough, where they did."""
    if fit.temperature == 1.0:
        return []
    what = "too sure" if fit.temperature > 1.0 else "not sure enough"
    return [f"probabilities at temperature {fit.temperature:.2f}: on held-out rows they were {what}"]


def mean_words(fit: FitRecord) -> str:
    """Of which networks the final model is the mean."""
    return f"the mean of {fit.members} networks of the folds, as one network"


def _other_way(fit: FitRecord) -> str:
    """How to keep a network that was not taken."""
    lost = fit.choice.model == "linear" and fit.setting.options.fallback != "never"
    return "; --fallback never keeps the network" if lost else ""


def variant_words(fit: FitRecord) -> list[str]:
    """Which of several mixes was taken, how far the fit is relaxed, and whether its factors come from a pilot."""
    options = fit.setting.options
    said = []
    if len(options.ratios) > 1:
        said.append(f"l1_ratio {fit.l1_ratio:g} of {', '.join(f'{ratio:g}' for ratio in options.ratios)}")
    if options.adaptive:
        said.append(f"adaptive: a coefficient costs 1/|β|^{options.adaptive:g}, β of a pilot ridge fit")
    if options.relax is not None:
        refit = "the penalised fit as it is" if fit.gamma == 1.0 else "the refit of what is kept, unpenalised"
        blend = (
            f"{1 - fit.gamma:g} of the unpenalised refit of what is kept, {fit.gamma:g} of the penalised fit"
        )
        said.append(f"relaxed: {refit if fit.gamma in (0.0, 1.0) else blend} (γ = {fit.gamma:g})")
    return ["; ".join(said)] if said else []


def _kept(fit: FitRecord) -> list[str]:
    found = effects(fit)
    if found is None:
        return _kept_inputs(fit)
    strength = np.abs(found.per_sd).max(axis=1)
    kept = [int(j) for j in np.argsort(-strength, kind="stable") if strength[j] > 0]
    p, k = found.units.shape
    head = f"{grouped(len(kept))} of {counted(p, 'feature')}"
    if not kept:
        return labelled("Kept", [f"{head}: the chosen model is the null model"])
    rows = []
    for j in kept[:SHOWN_FEATURES]:
        best = int(np.argmax(np.abs(found.per_sd[j])))
        of_class = f" → {clean(fit.classes[best])}" if k > 1 else ""
        name = f"{clean(fit.features[j])}{of_class}"
        rows.append((name, signed(float(found.units[j, best])), f"{found.per_sd[j, best]:+.4f}"))
    title = eta_words(fit) if fit.classes or not fit.loss.traits.in_units_of_y else ""
    return [*_columns(f"{'Kept':<{INDENT}}{head}", title, rows), *_rest(len(kept))]


def _columns(head: str, title: str, rows: Sequence[tuple[str, str, str]]) -> list[str]:
    name = max(len(head) - INDENT, *(len(row[0]) for row in rows)) + 2
    unit = max(8, *(len(row[1]) for row in rows))
    first = f"{head:<{INDENT + name}}{'per unit':>{unit}}  {'per sd':>8}   {title}".rstrip()
    if len(first) > WIDTH.get():  # a long class or a narrow terminal: the words stand above the numbers
        plain = f"{'':<{INDENT + name}}{'per unit':>{unit}}  {'per sd':>8}"
        whole = f"{head[INDENT:]}; per unit and per sd: {title}"
        return [*labelled(head[:INDENT].strip(), [whole]), plain, *_numbers(rows, name, unit)]
    return [first, *_numbers(rows, name, unit)]


def _numbers(rows: Sequence[tuple[str, str, str]], name: int, unit: int) -> list[str]:
    return [f"{'':{INDENT}}{n:<{name}}{u:>{unit}}  {s:>8}" for n, u, s in rows]


def _rest(kept: int) -> list[str]:
    more = kept - SHOWN_FEATURES
    return labelled("", [f"… and {grouped(more)} more"]) if more > 0 else []


def _kept_inputs(fit: FitRecord) -> list[str]:
    norms, alive = input_norms(fit), live_parts(fit.layers)[1]
    kept = [int(j) for j in np.argsort(-norms, kind="stable") if norms[j] > 0]
    neurons = " and ".join(f"{count} of {size}" for count, size in zip(alive, _sizes(fit), strict=True))
    head = f"{grouped(len(kept))} of {counted(len(norms), 'input')}; {neurons} neurons"
    if not kept:
        return labelled("Kept", [head])
    strongest = ", ".join(
        f"{clean(fit.features[j])} {significant(float(norms[j]))}" for j in kept[:SHOWN_FEATURES]
    )
    lines = [f"{head}: {_shape(fit, kept, alive)}", f"weights not zero: {_live_weights(fit)}"]
    return labelled("Kept", [*lines, f"strongest inputs (norm of weights per sd): {strongest}"])


def _shape(fit: FitRecord, kept: list[int], alive: Sequence[int]) -> str:
    """The architecture before and after what is dead has left."""
    whole = [len(fit.features), *_sizes(fit), fit.layers.coefs[-1].shape[1]]
    return f"{'→'.join(map(str, whole))} became {'→'.join(map(str, [len(kept), *alive, whole[-1]]))}"


def _live_weights(fit: FitRecord) -> str:
    """How many weights of each matrix are not exactly zero."""
    matrices = [(f"layer {k}", coef) for k, coef in enumerate(fit.layers.coefs, 1)]
    if fit.layers.skip is not None:
        matrices.append(("the skip connection", fit.layers.skip))
    return ", ".join(
        f"{grouped(int(np.count_nonzero(w)))} of {grouped(w.size)} in {name}" for name, w in matrices
    )


def _sizes(fit: FitRecord) -> list[int]:
    return [coef.shape[1] for coef in fit.layers.coefs[:-1]]


def _test(fit: FitRecord) -> str:
    if not fit.tested:
        return "no rows were held out (test size 0)"
    metric, first = metric_of(fit.loss), fit.tested[0]
    others = "; ".join(_other(judged, fit) for judged in fit.tested[1:])
    second = f"{metric.second_name} {significant(first.second)}"
    own = with_error(first.score, first.error)
    second += f"   AUC {significant(fit.confusion.auc)}" if fit.confusion is not None else ""
    return f"{metric.name} {own}   {second}   ({others})"


def _other(judged: TestScore, fit: FitRecord) -> str:
    names = {"null": null_words(fit), "unpenalised": unpenalised_words(fit)}
    name = names.get(judged.model, judged.model)
    if np.isnan(judged.score):
        return f"{name}: {judged.note}"
    return f"{name}: {significant(judged.score, 4)}{f', {judged.note}' if judged.note else ''}"


def unpenalised_words(fit: FitRecord) -> str:
    """The model without a penalty, which is linear also where the others are networks."""
    return "unpenalised linear" if fit.setting.options.hidden else "unpenalised"


def null_words(fit: FitRecord) -> str:
    """What a model without features knows."""
    known = "class shares" if fit.classes else "geometric mean" if fit.setting.options.log_target else "mean"
    return f"{known} only" if fit.setting.options.offset is None else f"{known} and offset only"


def _same_as(fit: FitRecord) -> list[str]:
    scale = "standardised X" if fit.setting.options.model["standardize"] else "X as prepared"
    return labelled("Same as", [f"{fit.same_as} on {scale}"]) if fit.same_as else []
