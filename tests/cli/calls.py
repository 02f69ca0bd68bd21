"""Calls of the command line, in this process and on a terminal."""

from __future__ import annotations

from click.testing import CliRunner, Result

from taut.cli import main

FEW = ["--cv", "2"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def fails(result: Result, code: int, *words: str) -> None:
    """One line on stderr, no traceback, nothing on stdout."""
    assert result.exit_code == code
    assert len(result.stderr.splitlines()) == 1
    assert [w for w in words if w not in result.stderr] == []
    assert "Traceback" not in result.output
