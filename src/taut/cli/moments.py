"""The commands about moments: gather them from files, and add them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from taut.cli.outcome import Exit, note, remarks_said, stop, usage_errors
from taut.cli.terminal import progress_bar, say, say_json
from taut.streaming import Assignment, Moments, is_moments
from taut.tabular import grouped, labelled


def run_moments(
    files: Sequence[Path],
    out: Path,
    *,
    preparation: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Sum up the rows of ``files`` and write the moments to ``out``."""
    from taut.tabular import moments

    _check_place(out, [*files, *([preparation] if preparation else [])], force)
    with usage_errors():
        Assignment(asked["folds"], asked["test_size"], asked["seed"], asked["groups"]).check()
    known = None if preparation is None else _known(preparation)
    silent = quiet or as_json
    with remarks_said(note), progress_bar(0, "", not silent, "Read") as progress:
        unfinished = out.with_name(f".{out.name}.unfinished")
        with _said_to_go_on(unfinished):
            found = moments(list(files), preparation=known, progress=progress, checkpoint=unfinished, **asked)
    _write(found, out, as_json, silent)


@contextmanager
def _said_to_go_on(unfinished: Path) -> Iterator[None]:
    """Say after Ctrl-C how to go on, where something is kept."""
    try:
        yield
    except KeyboardInterrupt:
        if not unfinished.exists():
            raise
        kept = f"what is summed up is kept in {unfinished}: the same command goes on from there"
        raise stop(Exit.INTERRUPTED, f"interrupted; {kept}") from None


def run_add(files: Sequence[Path], out: Path, force: bool, as_json: bool, quiet: bool) -> None:
    """Add moments that share their preparation, and write the sum to ``out``."""
    _check_place(
        out, [], force or any(out.exists() and out.samefile(file) for file in files if file.exists())
    )
    first, *rest = (Moments.load(file) for file in files)
    for other in rest:
        first = first + other
    _write(first, out, as_json, quiet or as_json)


def _known(path: Path) -> Any:
    """The moments or the fit that lie there."""
    from taut.tabular import load

    return Moments.load(path) if is_moments(path) else load(path)


def _check_place(out: Path, inputs: Sequence[Path], force: bool) -> None:
    """Leave with a word where ``out`` would write over an input, or over what is none of ours."""
    if any(out.exists() and path.exists() and out.samefile(path) for path in inputs):
        raise stop(Exit.USAGE, f"{out} is an input: --out would write over it; choose another file")
    if out.exists() and not force and not is_moments(out):
        raise stop(
            Exit.USAGE, f"{out} is there and holds no moments; --force writes over it, --out names another"
        )


def _write(found: Moments, out: Path, as_json: bool, silent: bool) -> None:
    found.save(out)
    if as_json:
        say_json(
            {
                "out": str(out), "target": found.target, "rows": found.rows, "folds": found.folds,
                "features": len(found.names), "dropped": found.dropped, "digits": found.digits,
                "exposed": list(found.exposed),
            }
        )  # fmt: skip
    if not silent:
        say(str(found).splitlines())
        say(labelled("Wrote", [f"{out}  {grouped(out.stat().st_size)} bytes"]))
        say(labelled("Next", [f"taut fit {out}     taut add {out} OTHER.moments --out BOTH.moments"]))
