"""Storing: a fit as one model file, and as the folder that ``taut fit`` writes (model, path table, run
record)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import taut.selection as selection
from taut.design import (
    Classes,
    Source,
    Target,
    from_document,
    target_from_document,
    target_to_document,
    to_document,
)
from taut.estimators import HeldOutErrors, Layers
from taut.families import family_of
from taut.model_file import (
    Archive,
    ModelFileError,
    Reader,
    decode_errors,
    decode_layers,
    decode_path,
    decode_scores,
    encode_errors,
    encode_layers,
    encode_path,
    encode_scores,
    read_archive,
    write_archive,
    write_atomically,
)
from taut.path import Path
from taut.solvers import Certificate
from taut.tabular.confusion import Confusion
from taut.tabular.diagnostics import decode_diagnostics, encode_diagnostics
from taut.tabular.inputs import FitInputs, Sizes
from taut.tabular.options import options_from_document
from taut.tabular.record import FitRecord, Scales
from taut.tabular.test_scores import TestScore
from taut.tabular.tried import Tried
from taut.tabular.words.found_hints import found_hints
from taut.tabular.words.metrics import metric_of
from taut.tabular.words.numbers import finite
from taut.tabular.words.units import coefficient_words

if TYPE_CHECKING:
    from taut.selection import Scores

Made = TypeVar("Made", bound=FitRecord)

MODEL, PATH, RUN = "model.safetensors", "path.csv", "run.json"
UNTIMED = 0.0
"""Stands in a model file for the seconds that the fit took, which the run record has: the same fit is the same file."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def save(fit: FitRecord, path: FilePath) -> FilePath:
    """Write one model file (.safetensors), or a folder with the model, the path table and the run record."""
    if path.suffix == ".safetensors":
        write_archive(path, to_archive(fit))
        return path
    from taut.tabular.words.tables import path_table  # a model file alone needs no data frame

    path.mkdir(parents=True, exist_ok=True)
    # The record says which fit the folder holds: it is the first to go and the last to come.
    (path / RUN).unlink(missing_ok=True)
    write_archive(path / MODEL, to_archive(fit))
    write_atomically(path / PATH, csv_text(path_table(fit)).encode())
    write_atomically(path / RUN, (json.dumps(run_record(fit), indent=2, ensure_ascii=False) + "\n").encode())
    return path


def read(place: FilePath, make: Callable[..., Made]) -> Made:
    """What ``make`` makes of the fields in a model file, or in the folder it lies in. Raises ``ModelFileError``."""
    file = place / MODEL if place.is_dir() else place
    if file != place and not file.exists():
        raise ModelFileError(f"{place}: the folder holds no {MODEL}; give one in which a fit was finished")
    archive = read_archive(file)
    if archive.labels.get("kind") == "moments":
        raise ModelFileError(
            f"{file.name}: moments, not a model; taut.Moments.load reads them, taut.fit fits them"
        )
    try:
        fit = from_archive(archive, file.name, make)
        return _timed(fit, place / RUN) if file != place else _untimed(fit)
    except ModelFileError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelFileError(
            f"{file.name}: the model is damaged ({error or type(error).__name__})"
        ) from error


def _untimed(fit: Made) -> Made:
    """The fit without a time where the file has none."""
    return replace(fit, seconds=math.nan) if fit.seconds == UNTIMED else fit


def _timed(fit: Made, record: FilePath) -> Made:
    """The fit with the seconds of the run record beside it, where that is of this fit."""
    if fit.seconds != UNTIMED:
        return fit
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        same = found["key"] == fit.setting.key(fit.setting.source.digest, fit.version)
        return replace(fit, seconds=float(found["seconds"]) if same else math.nan)
    except (OSError, ValueError, KeyError, TypeError):
        return _untimed(fit)


def to_archive(fit: FitRecord) -> Archive:
    """Everything of a fit but the rows."""
    path, path_tensors = encode_path(fit.path)
    layers, layer_tensors = encode_layers(fit.layers)
    errors, error_tensors = encode_errors(fit.errors)
    evidence, evidence_tensors = encode_diagnostics(fit.evidence)
    own = {
        "spread.features": fit.spread.features,
        "spread.numbers": np.array([fit.spread.target, fit.spread.weight, UNTIMED]),
        "choice": np.array([fit.choice.gain, fit.choice.standard_error]),
        "tested": np.array([[j.score, j.second] for j in fit.tested]).reshape(-1, 2),
        "tested.errors": np.array([j.error for j in fit.tested]),
        "tried": np.array([[t.score, t.error, t.kept] for t in fit.tried]).reshape(-1, 3),
    }
    if fit.confusion is not None:
        own |= {"tested.confusion": fit.confusion.counts, "tested.auc": np.array([fit.confusion.auc])}
    document = {
        "setting": _setting_document(fit.setting),
        "path": path,
        "layers": layers,
        "index": fit.index,
        "choice": [fit.choice.model, fit.choice.reason],
        "tested": [[j.model, j.note] for j in fit.tested],
        "tried": [[t.name, t.asks, t.mark, t.note] for t in fit.tried],
        "same_as": fit.same_as,
        "version": fit.version,
        "evidence": evidence,
        "measures": [] if fit.scores is None else list(fit.scores.measures),
        "variant": [fit.l1_ratio, fit.gamma],
        "members": fit.members,
        "temperature": fit.temperature,
        "errors": errors,
    }
    labels = {"loss": path["loss"], "activation": layers["activation"], "task": fit.setting.target.task.value}
    tensors = (
        own | path_tensors | layer_tensors | evidence_tensors | error_tensors | encode_scores(fit.scores)
    )
    return Archive(labels, document, tensors)


def from_archive(archive: Archive, name: str, make: Callable[..., Made]) -> Made:
    """What ``make`` makes of the fields that ``to_archive`` wrote down, every part checked against the others."""
    document, reader = archive.document, Reader(name, archive.tensors)
    setting = _setting(document["setting"])
    p = len(setting.preparation.names)
    if int(document["path"]["p"]) != p:  # before anything of that size is made
        raise ModelFileError(f"{name}: path and preparation do not fit together")
    path = decode_path(document["path"], reader)
    if path.has_offset != (setting.options.offset is not None):
        raise ModelFileError(f"{name}: path and options do not agree on the offset")
    measures = list(map(str, document.get("measures", ())))
    index, scores = int(document["index"]), decode_scores(reader, measures)
    scores = _known_scores(scores, path)
    layers = decode_layers(document["layers"], reader, p)
    if not 0 <= index < len(path) or (scores is not None and not 1 <= len(scores.lambdas) <= len(path)):
        raise ModelFileError(f"{name}: path, scores and chosen place do not fit together")
    errors = decode_errors(document.get("errors"), reader, p)
    _check_outputs(layers, errors, setting.target, name)
    target, weight, seconds = reader.take("spread.numbers", 3).tolist()
    ratio, gamma = document.get("variant", (None, 1.0))
    return make(
        setting=setting,
        path=selection.marked(path, scores),
        index=index,
        scores=scores,
        choice=_choice(document["choice"], reader),
        layers=layers,
        spread=Scales(reader.take("spread.features", p), target, weight),
        tested=_tested(document["tested"], reader),
        same_as=None if document["same_as"] is None else str(document["same_as"]),
        seconds=seconds,
        version=str(document["version"]),
        evidence=decode_diagnostics(document.get("evidence", {}), reader, path),
        l1_ratio=None if ratio is None else float(ratio),
        gamma=float(gamma),
        members=int(document.get("members", 1)),  # absent from older files, as temperature and errors are
        temperature=_temperature(document, name),
        errors=errors,
        confusion=_confusion(setting.target, reader),
        tried=_tried(document.get("tried", []), reader),
    )


def _check_outputs(layers: Layers, errors: HeldOutErrors | None, target: Target, name: str) -> None:
    models = (layers, *(() if errors is None else errors.members))
    if any(model.coefs[-1].shape[1] != _outputs(target) for model in models):
        raise ModelFileError(f"{name}: the layers do not fit the target")


def _choice(words: list[str], reader: Reader) -> selection.Choice:
    taken, why = words
    gain, error = reader.take("choice", 2).tolist()
    return selection.Choice(str(taken), str(why), gain, error)


def _temperature(document: dict[str, Any], name: str) -> float:
    temperature = float(document.get("temperature", 1.0))
    if not 0.0 < temperature < math.inf:
        raise ModelFileError(f"{name}: the temperature is {temperature:g}")
    return temperature


def _known_scores(scores: Scores | None, path: Path) -> Scores | None:
    """The scores with what the path says: what was measured, and what is kept at each λ."""
    if scores is None:
        return None
    kept = path.nonzeros[: len(scores.lambdas)]
    own = replace(scores, measure=family_of(path.loss).judged_by, nonzeros=kept)
    return selection.with_measures(own, scores.measures)


def _outputs(target: Target) -> int:
    """How many numbers the model gives for a row."""
    classes = len(target.labels) if isinstance(target, Classes) else 2
    return 1 if classes == 2 else classes


def _tested(notes: list[list[str]], reader: Reader) -> tuple[TestScore, ...]:
    numbers = reader.take("tested", len(notes), 2).tolist()
    known = reader.has("tested.errors")  # older files have none
    errors = reader.take("tested.errors", len(notes)).tolist() if known else [math.nan] * len(notes)
    return tuple(
        TestScore(str(m), s, t, str(n), e) for (m, n), (s, t), e in zip(notes, numbers, errors, strict=True)
    )


def _tried(words: list[list[str]], reader: Reader) -> tuple[Tried, ...]:
    """What an automatic fit compared; nothing in older files."""
    if not words:
        return ()
    numbers = reader.take("tried", len(words), 3).tolist()
    return tuple(
        Tried(str(name), str(asks), str(mark), str(note), score, error, int(kept))
        for (name, asks, mark, note), (score, error, kept) in zip(words, numbers, strict=True)
    )


def _confusion(target: Target, reader: Reader) -> Confusion | None:
    """That of the test rows, where the file has one."""
    if not isinstance(target, Classes) or not reader.has("tested.confusion"):
        return None
    k = len(target.labels)
    return Confusion(reader.take("tested.confusion", k, k), float(reader.take("tested.auc", 1)[0]))


def _setting_document(setting: FitInputs) -> dict[str, Any]:
    return {
        "source": asdict(setting.source),
        "sizes": asdict(setting.sizes),
        "preparation": to_document(setting.preparation),
        "target": target_to_document(setting.target),
        "reason": setting.reason,
        "model": setting.model,
        "options": setting.options.document(),
        "asked": None if setting.asked is None else setting.asked.document(),
        "leaks": list(setting.leaks),
        "command": list(setting.command),
        "hints": list(setting.hints),
    }


def _setting(document: dict[str, Any]) -> FitInputs:
    return FitInputs(
        _source(document["source"]),
        Sizes(**{f.name: int(document["sizes"][f.name]) for f in fields(Sizes)}),
        from_document(document["preparation"]),
        target_from_document(document["target"]),
        str(document["reason"]),
        str(document["model"]),
        options_from_document(document["options"]),
        tuple(map(str, document["leaks"])),
        tuple(map(str, document.get("command", ()))),  # this and the next are absent from older files
        tuple(map(str, document.get("hints", ()))),
        None if document.get("asked") is None else options_from_document(document["asked"]),
    )


def _source(document: dict[str, Any]) -> Source:
    words = {name: str(document[name]) for name in ("name", "digest", "delimiter", "decimal", "encoding")}
    return Source(
        **words, header=bool(document["header"]), notes=tuple(map(str, document["notes"])),
        width=int(document.get("width", 0)), names=tuple(map(str, document.get("names", ()))),  # not in older files
        concluded=bool(document.get("concluded", False)),
    )  # fmt: skip


def run_record(fit: FitRecord) -> dict[str, Any]:
    """What was run on which data, and what came out: the content of run.json and of ``--json``."""
    setting, found = fit.setting, fit.path.certificates
    metric = metric_of(fit.loss)
    numbers = {"score": metric.name, "second": metric.second_name}
    record = {
        "taut": fit.version,
        "key": setting.key(setting.source.digest, fit.version),
        "data": {"name": setting.source.name, "sha256": setting.source.digest, **asdict(setting.sizes)},
        "options": setting.options.document(),
        "command": list(setting.command),
        "task": setting.target.task.value,
        "model": fit.choice.model,
        "reason": fit.choice.reason,
        "lam": fit.lam,
        "l1_ratio": fit.l1_ratio,
        "gamma": fit.gamma,
        "index": fit.index,
        "nonzeros": fit.nonzeros,
        "members": fit.members,
        "temperature": fit.temperature,
        "features": len(fit.features),
        "classes": [str(label) for label in fit.classes],
        "coefficients_are": coefficient_words(fit),
        "certified": sum(c.met for c in found),
        "lambdas": len(found),
        "worst_certificate": max(c.value for c in found),
        "certificate": _certificate(found[fit.index]),
        "measures": numbers,
        "test": [asdict(judged) for judged in fit.tested],
        "confusion": None if fit.confusion is None else fit.confusion.counts.tolist(),
        "auc": None if fit.confusion is None else fit.confusion.auc,
        "tried": [t._asdict() for t in fit.tried],
        "same_as": fit.same_as,
        "leaks": list(setting.leaks),
        "hints": [*setting.hints, *found_hints(fit)],
        "left_out": [[x.name, x.reason.value, x.detail] for x in setting.preparation.left_out],
        "seconds": round(fit.seconds, 3),
    }
    return {key: finite(value) for key, value in record.items()}


def _certificate(found: Certificate) -> dict[str, Any]:
    """That of the chosen λ."""
    numbers = {"value": found.value, "tol": found.tol, "met": found.met}
    return {"measure": found.measure.value, **numbers, "note": found.note}


def csv_text(table: Any) -> str:
    """A data frame as CSV in which no text cell or column name starts as a spreadsheet's formula does."""
    import polars as pl

    texts = [name for name, dtype in table.schema.items() if dtype == pl.String]
    guarded = table.with_columns(
        pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]"))
        .then(pl.concat_str(pl.lit("'"), pl.col(name)))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    )
    names = {n: f"'{n}" for n in guarded.columns if n.startswith(FORMULA_STARTS)}
    text: str = guarded.rename(names).write_csv()
    return text
