"""Outcomes: exit codes, and every failure as one line on stderr."""

from __future__ import annotations

import enum
import errno
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

DEBUG = "TAUT_DEBUG"


class Exit(enum.IntEnum):
    """What the shell is told."""

    OK = 0
    FAULT = 1
    USAGE = 2
    DATA = 3
    NOT_CERTIFIED = 4
    INTERRUPTED = 130


def stop(code: Exit, message: str) -> SystemExit:
    """Say one line on stderr; what is returned is to be raised."""
    line = "".join(c for c in " ".join(message.split()) if c.isprintable())
    click.echo(f"{click.style('taut:', bold=True, fg='red')} {line}", err=True)
    return SystemExit(int(code))


class OneLineGroup(click.Group):
    """A group of commands whose usage errors are one line as well."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **more: Any,
    ) -> Any:
        """Run the command line; ``standalone_mode`` leaves the process with the command's exit code."""
        replace_unknown_characters()
        try:
            with _plain_warnings():
                code = super().main(args, prog_name, complete_var, standalone_mode=False, **more)
        except click.UsageError as error:
            raise _usage(error) from None
        except click.Abort:
            raise stop(Exit.INTERRUPTED, "interrupted") from None
        if standalone_mode:
            raise SystemExit(code or 0)
        return code


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """A warning that nobody has caught is a remark like any other, without the place in the code."""
    usual = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"note: {' '.join(str(message).split())}\n"
    try:
        yield
    finally:
        warnings.formatwarning = usual


def replace_unknown_characters() -> None:
    """Let the streams write ? for a character that their encoding has not, where they would end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def write_out(text: str) -> None:
    """Write to stdout to the last byte, or raise OSError: a full disk may take a part and say nothing."""
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):
        stream.write(text)
        return
    stream.flush()
    rest = memoryview(text.encode(stream.encoding, stream.errors or "strict"))
    while rest:
        written = stream.buffer.write(rest)
        if not written:
            raise OSError(errno.EIO, "not all of the output could be written", "stdout")
        rest = rest[written:]
    stream.buffer.flush()


def _usage(error: click.UsageError) -> SystemExit:
    message = error.format_message()
    if "\n" in message:  # a bare "taut" asks for help, and this is it
        click.echo(message, err=True)
        return SystemExit(int(Exit.USAGE))
    place = error.ctx.command_path if error.ctx else "taut"
    return stop(Exit.USAGE, f"{_meant(error) or message} ({place} --help)")


def _meant(error: click.UsageError) -> str:
    """What is meant by an option that has another package's name; empty where nothing is known, or in Python's words alone."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return ""
    from taut.messages import meant  # a command that goes well need not import it

    found = meant(error.option_name.lstrip("-"), [str(param.name) for param in error.ctx.command.params])
    python = found is None or "taut." in found or "sklearn." in found
    return "" if python else f"There is no option {error.option_name}: {found}"


def look_for(table: Path) -> None:
    """FileNotFoundError where a table's file is not there, before anything is imported that takes long; ``-`` is stdin."""
    if str(table) != "-" and not table.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(table))


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn every exception into its line and exit code; TAUT_DEBUG=1 shows where it came from."""
    try:
        yield
    except (click.ClickException, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        raise stop(Exit.INTERRUPTED, "interrupted; nothing was written") from None
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        from taut.selection import OptionConflict

        if isinstance(error, OptionConflict):
            raise stop(Exit.USAGE, str(error)) from None
        # Another ValueError is an argument or a value in the data, said in one sentence by whoever found it.
        if isinstance(error, ValueError | TypeError | OSError):
            raise stop(Exit.DATA, _words(error)) from None
        fault = f"a fault in taut itself ({type(error).__name__}: {error})"
        raise stop(Exit.FAULT, f"{fault}; run again with {DEBUG}=1 and report what it shows") from None


@contextmanager
def usage_errors() -> Iterator[None]:
    """What is wrong with the options themselves, whatever the data, is a usage error."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context(silent=True)) from None


def _words(error: Exception) -> str:
    """An exception as a sentence: for the system's, the file and what is wrong with it."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"{place}{error.strerror.lower()}"
    return str(error) or type(error).__name__


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it is not empty, or not there
        folder.rmdir()


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Say after Ctrl-C that what is finished is kept, and how to go on; no empty folder stays behind."""
    try:
        yield
    except Exception:
        _remove_empty(folder.parent)
        raise
    except KeyboardInterrupt:
        if not folder.exists():
            _remove_empty(folder.parent)
            raise
        kept = f"what is finished is kept in {folder}/: the same command goes on from there"
        raise stop(Exit.INTERRUPTED, f"interrupted; {kept}") from None


@contextmanager
def remarks_said(say: Callable[[str], None]) -> Iterator[None]:
    """Say each different warning once, in a line of its own."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for text in dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, UserWarning)):
        say(text)


def note(text: str) -> None:
    """A remark on stderr."""
    click.echo(f"{click.style('note:', bold=True)} {' '.join(text.split())}", err=True)
