"""Terminal: lines with bold labels, and a progress bar where somebody watches."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from taut.design import LARGE
from taut.tabular import INDENT, WIDTH, finite

LEAST = 40
"""Columns that text takes on the narrowest terminal."""


def say(lines: Iterable[str], labels: bool = True) -> None:
    """Print lines, the ``labels`` in front of them in bold (plain where stdout is no terminal)."""
    for line in lines:
        label, rest = line[:INDENT], line[INDENT:]
        click.echo(click.style(label, bold=True) + rest if labels and label.strip() else line)


@contextmanager
def wrapped_to_terminal() -> Iterator[None]:
    """Wrap text to the terminal's columns where it has fewer than usual; elsewhere it is as in Python and in files."""
    usual = WIDTH.get()
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else usual
    token = WIDTH.set(max(LEAST, min(usual, columns)))
    try:
        yield
    finally:
        WIDTH.reset(token)


def say_json(document: Any) -> None:
    """Print one JSON object, null for numbers that are not finite."""
    click.echo(json.dumps(finite(document), ensure_ascii=False, indent=2, allow_nan=False))


@contextmanager
def progress_bar(
    total: int, text: str, shown: bool, label: str = "Path", fits: bool = True
) -> Iterator[Callable[[int], None] | None]:
    """A bar that counts (λ, fold) pairs while a path is fitted, and says where kernels are compiled, which only a bar for what
    ``fits`` may meet; nothing where stderr is no terminal."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from taut.solvers import watch_compilation  # and with it the compiler

    columns = (TextColumn(f"[bold]{label:<8}[/bold]"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(
        *columns, TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True),
        transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task(text, total=total)

        def compiling(done: int, kernels: int) -> None:
            words = f"Compiling kernels, once per machine ({done} of {kernels})"
            bar.update(task, description=text if done == kernels else words)

        with watch_compilation(compiling) if fits else nullcontext():
            yield lambda count: bar.advance(task, count)


@contextmanager
def reading_bar(data: Path, shown: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar that counts the bytes of a large file while it is read; nothing for a small one."""
    size = data.stat().st_size if data.is_file() else 0
    with progress_bar(size, f"{size / 1e9:.1f} GB", shown and size >= LARGE, "Read", fits=False) as progress:
        yield progress
