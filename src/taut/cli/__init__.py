"""The command line: arguments in, ``taut.fit`` and ``taut.load`` called, lines and exit codes out."""

from taut.cli.commands import main

__all__ = ["main"]
