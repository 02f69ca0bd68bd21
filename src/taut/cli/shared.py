"""Options of commands that ``taut.options`` says: a line there is an option here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from taut.cli.arguments import MixType
from taut.cli.reading_arguments import Command, option_group
from taut.options import ModelOptions, Option, TrainingOptions, options_of

NONE = "none"


class LayersType(click.ParamType):  # type: ignore[type-arg]
    """A penalty for every layer, or one for each of them with commas: l1 or l1,l2,none."""

    name = "penalties"
    words = ("l1", "l2", "elasticnet", NONE)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | tuple[str | None, ...]:
        """The word, or one word per layer, None where the layer is not penalised."""
        if isinstance(value, tuple):
            return value
        words = [word.strip().lower() for word in str(value).split(",")]
        if not set(words) <= set(self.words) or words == [NONE]:
            self.fail(
                f"{value!r} is neither one of l1, l2, elasticnet nor one of them, or none, per layer",
                param,
                ctx,
            )
        return words[0] if len(words) == 1 else tuple(None if word == NONE else word for word in words)


TYPES: dict[str, Any] = {
    "l1_ratio": MixType(),
    "layer_penalties": LayersType(),
    "bias_penalties": LayersType(),
}
"""How the options that are no flag, choice or number are read."""


def shared_options(
    *records: type, without: tuple[str, ...] = (), only: tuple[str, ...] = ()
) -> Callable[[Command], Command]:
    """The options of typed dictionaries for a command, ``without`` some of them, or ``only`` some."""
    wanted = only or tuple(name for name in options_of(*records) if name not in without)
    return option_group(
        *(_option(name, said) for name, said in options_of(*records).items() if name in wanted)
    )


def _option(name: str, said: Option) -> Callable[[Command], Command]:
    flag = _flag(name)
    if isinstance(said.default, bool):
        both = f"{flag}/--no-{flag[2:]}" if said.default else flag
        return click.option(both, is_flag=True, default=said.default, help=said.brief)
    shown = said.default is not None
    kind = TYPES.get(name) or _kind(said)
    return click.option(
        flag, type=kind, default=said.default, show_default=shown, metavar=said.metavar, help=said.brief
    )


def _flag(name: str) -> str:
    """An option's name on the command line."""
    return f"--{name.replace('_', '-')}"


def _kind(said: Option) -> Any:
    if said.choices:
        return click.Choice(said.choices)
    return click.FloatRange(said.above, min_open=True) if said.least is None else click.IntRange(said.least)


def check_network_options(context: click.Context) -> None:
    """UsageError where layers or their training are spoken of and no hidden layer is."""
    for name, said in options_of(ModelOptions, TrainingOptions).items():
        asked = said.default is None and context.params[name] is not None
        if asked and not context.params["hidden"] and not context.params.get("model"):
            raise click.UsageError(
                f"{_flag(name)} is about networks: add hidden layers, such as --hidden 64", context
            )
