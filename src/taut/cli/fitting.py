"""The fit command: say what is read, fit under a progress bar, write the folder, say what was found.

What is named as ``tabular.load`` is imported when data were read and found in order.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from taut import tabular
from taut.cli.outcome import Exit, note, remarks_said, resumable, stop, usage_errors
from taut.cli.terminal import progress_bar, reading_bar, say, say_json
from taut.solvers import Measure
from taut.streaming import Moments, is_moments
from taut.tabular import (
    FOLDER,
    CheckpointFolder,
    Options,
    PreparedData,
    TableOptions,
    check_choices,
    counted,
    holds,
    key_of,
    labelled,
    prepare_moments,
    prepare_table,
    remove_temporaries,
)
from taut.version import __version__

if TYPE_CHECKING:
    from taut.tabular import Fit

CONVEX = (Measure.DUALITY_GAP, Measure.GRADIENT_NORM)


def run_fit(
    data: Path,
    out: Path,
    *,
    command: tuple[str, ...],
    force: bool,
    as_json: bool,
    quiet: bool,
    **choices: Any,
) -> None:
    """Fit ``data`` and write ``out``, go on with what an ended run left there, or print the same fit again.

    ``command``: the words that asked for it, to be kept with the fit.
    """
    summed = is_moments(data)
    options = Options.of(**choices)
    with usage_errors():
        check_choices(options)
    silent = quiet or as_json
    with remarks_said(note):
        with reading_bar(data, not silent) as progress:
            prepared = _of_moments(data, **choices) if summed else prepare_table(data, options, progress)
        prepared = replace(prepared, setting=replace(prepared.setting, command=command))
        done = _done_before(prepared.setting.source.digest, out, prepared.setting.options, force)
        if not silent:
            say(tabular.opening(prepared.setting))
        fit = done or _fit(prepared, out, silent, force)
    hint = "" if done or silent else tabular.probe_hint(prepared, fit)
    _report(fit, out, done is not None, as_json, silent, hint)
    check_certificate(fit)


def _of_moments(data: Path, target: str | None, task: str | None, **given: Any) -> PreparedData:
    """What a fit of the moments in a file starts from."""
    moments = Moments.load(data)
    if target not in (None, moments.target):
        raise ValueError(f"{data.name}: these moments are for the target {moments.target!r}, not {target!r}")
    prepared = prepare_moments(moments, task, cast(TableOptions, given))
    source = replace(prepared.setting.source, digest=hashlib.sha256(data.read_bytes()).hexdigest())
    return replace(prepared, setting=replace(prepared.setting, source=source))


def _fit(prepared: PreparedData, out: Path, silent: bool, force: bool) -> Fit:
    """Fit with a checkpoint in ``out``, write, and remove the checkpoint."""
    key, folder = key_of(prepared), out / FOLDER
    if force and holds(folder, key) is False:
        shutil.rmtree(folder)
    with resumable(folder), CheckpointFolder(folder, key) as store:
        if store.parts and not silent:
            say(labelled("Resumed", [f"{counted(store.parts, 'part')} found in {folder}/"]))
        with progress_bar(
            tabular.pairs_of(prepared), _text(prepared.setting.options), not silent
        ) as progress:
            fit = tabular.fit_prepared(prepared, progress, store)
        if fit.path.interrupted:
            raise KeyboardInterrupt
    fit.save(out)
    _tidy(out, key)
    return fit


def _tidy(out: Path, key: str) -> None:
    """Remove what only an unfinished fit needs, from a folder that holds the finished one."""
    remove_temporaries(out)
    if holds(out / FOLDER, key) is not False:
        shutil.rmtree(out / FOLDER, ignore_errors=True)


def _done_before(digest: str, out: Path, options: Options, force: bool) -> Fit | None:
    """The fit of the same data and options in ``out``; leaves with a word where something else is there."""
    key = options.key(digest, __version__)
    if force or not out.exists():
        return None
    record = _read_record(out / tabular.RUN)
    if record.get("key") == key and (out / tabular.MODEL).exists():
        _tidy(out, key)
        return tabular.load(out)
    ours = holds(out / FOLDER, key)
    if ours or (ours is None and all(place.name == FOLDER for place in out.iterdir())):
        return None
    other = "an unfinished fit of other data or options" if ours is False else "files that are no fit"
    found = "another fit" if record else other
    raise stop(Exit.USAGE, f"{out}/ holds {found}; --force writes over it, --out chooses another folder")


def _read_record(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(options: Options) -> str:
    return (
        f"{options.strengths} λ × {options.cv * options.repeats} folds" if options.lam == "cv" else "all rows"
    )


def _report(fit: Fit, out: Path, done_before: bool, as_json: bool, silent: bool, hint: str) -> None:
    if as_json:
        say_json({**tabular.run_record(fit), "out": str(out)})
    if silent:
        return
    say([*tabular.closing(fit), *labelled("Hint", [hint] if hint else [])])
    if done_before:
        say(
            labelled(
                "Done", [f"before: {out}/ holds this very fit, nothing was fitted or written (--force does)"]
            )
        )
    else:
        say(labelled("Wrote", [f"{out}/  {tabular.MODEL}  {tabular.PATH}  {tabular.RUN}"]))
    say(labelled("Next", [f"taut report {out}     taut predict {out} NEW.csv"]))


def check_certificate(fit: Fit) -> None:
    """Leave with 4 where the chosen λ of a convex problem missed its tolerance; the files are written."""
    from taut.estimators import unmet_words

    unmet = unmet_words(fit.path, fit.index)
    if unmet and fit.path.certificates[fit.index].measure in CONVEX:
        raise stop(Exit.NOT_CERTIFIED, unmet)
