"""Arguments that say how DATA is written: delimiter, marks in numbers, encoding, header, missing cells, dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class Mark(click.ParamType):  # type: ignore[type-arg]
    """A character, or its name where a shell has its own use for it: tab, blanks."""

    name = "mark"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The character."""
        from taut.design import spelt

        return spelt(str(value))


class ForColumns(click.ParamType):  # type: ignore[type-arg]
    """A text for every column, or COLUMN=TEXT for one: a pair, whose name is empty for every column."""

    name = "[column=]text"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The pair."""
        if isinstance(value, tuple):
            return value
        from taut.design import spelt

        column, _, text = str(value).rpartition("=")
        return column, spelt(text)

    @staticmethod
    def written(pair: tuple[str, str]) -> str:
        """The pair as it stands on a command line."""
        column, text = pair
        return f"{column}={text}" if column else text


def option_group(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Options that commands share, as one decorator; help lists them in this order."""

    def decorated(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


_SEVERAL: dict[str, Any] = {"multiple": True, "type": ForColumns()}

reading_options = option_group(
    click.option(
        "--delimiter", type=Mark(), metavar="CHARACTER", help="What stands between cells: , ; | tab blanks …"
    ),
    click.option("--quote", metavar="CHARACTER", help="What stands around cells; none: quotes are text."),
    click.option("--encoding", metavar="NAME", help="Of the file, such as utf-8, cp1252, shift_jis."),
    click.option("--header/--no-header", default=True, help="Whether a line of a CSV names the columns."),
    click.option(
        "--header-line",
        type=click.IntRange(1),
        metavar="NUMBER",
        help="The line that names the columns, from 1.",
    ),
    click.option(
        "--skip-rows",
        type=click.IntRange(0),
        default=0,
        metavar="LINES",
        help="Leave out so many lines at the top.",
    ),
    click.option("--comment", metavar="TEXT", help="Leave out lines that begin with this, such as #."),
    click.option(
        "--decimal",
        **_SEVERAL,
        metavar="[COLUMN=]MARK",
        help="The decimal mark, . or , of every column or of one.",
    ),
    click.option(
        "--thousands",
        **_SEVERAL,
        metavar="[COLUMN=]MARK",
        help="The mark between thousands, one of , . ' _ blank none.",
    ),
    click.option(
        "--dates", **_SEVERAL, metavar="[COLUMN=]FORM", help="How dates are written, such as day=%d-%m-%Y."
    ),
    click.option(
        "--na-values", multiple=True, metavar="TEXT", help="A further text that stands for a missing cell."
    ),
    click.option(
        "--keep-na", multiple=True, metavar="COLUMN", help="NA and its like are values in this column."
    ),
)
"""How the file is written, where detection would say otherwise."""
