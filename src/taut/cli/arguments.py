"""Arguments: the options that commands share, and the types that read them."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from taut.cli.reading_arguments import Command, ForColumns, option_group

FOLDER_SUFFIX = ".taut"
MOST_NEURONS = 65_536


class ColumnName(click.ParamType):  # type: ignore[type-arg]
    """The name of a column of DATA; a shell completes it from the first line of a CSV."""

    name = "column"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name with composed characters, as tables are read: a shell of macOS may write others."""
        return unicodedata.normalize("NFC", str(value))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The columns of the file that stands on the line already."""
        # An option without its value ends the parsing, and DATA is then among what is left over.
        words = [str(ctx.params.get("data") or ""), *ctx.args]
        names = [name for word in words if Path(word).is_file() for name in _header(Path(word))]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _header(data: Path) -> list[str]:
    from taut.design import DataError, clean, column_names, read_table

    try:
        names = column_names(data)
        return [clean(name) for name in names or read_table(data).frame.columns]
    except DataError:
        return []


class LossName(click.ParamType):  # type: ignore[type-arg]
    """The name of a loss, one of an installed package's among them."""

    name = "loss"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if there is such a loss."""
        names = self._names()
        if value not in names:
            self.fail(f"{value!r} is not one of {', '.join(map(repr, names))}.", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so."""
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]

    @staticmethod
    def _names() -> tuple[str, ...]:
        from taut.families import names

        return names()


class SizesType(click.ParamType):  # type: ignore[type-arg]
    """Comma-separated numbers of neurons: 64 or 64,32."""

    name = "sizes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The sizes; none for an empty text."""
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(int(part) for part in str(value).split(",") if part.strip())
        except ValueError:
            sizes = (0,)
        if any(not 1 <= size <= MOST_NEURONS for size in sizes):
            self.fail(
                f"{value!r} is no list of layer sizes (1 to {MOST_NEURONS}) such as 64 or 64,32", param, ctx
            )
        return sizes


class Knots(click.ParamType):  # type: ignore[type-arg]
    """A number of knots: none, or 3 to 50."""

    name = "knots"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        if str(value) == "0" or (str(value).isdecimal() and 3 <= int(value) <= 50):
            return int(value)
        return self.fail(f"{value!r} is neither 0 nor a number of knots from 3 to 50", param, ctx)


class StrengthType(click.ParamType):  # type: ignore[type-arg]
    """A way to choose λ, or λ itself."""

    name = "cv|loo|aic|bic|ebic|gcv|λ"
    words = ("cv", "loo", "aic", "bic", "ebic", "gcv")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | float:
        """The word, or the number, which must be finite and at least 0."""
        if value in self.words:
            return str(value)
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0.0 <= number < float("inf"):
            self.fail(f"{value!r} is neither one of {', '.join(self.words)} nor a number ≥ 0", param, ctx)
        return number


class MixType(click.ParamType):  # type: ignore[type-arg]
    """One l1_ratio from 0 to 1, or several of them with commas."""

    name = "ratios"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | tuple[float, ...]:
        """The ratio, or those that compete."""
        if isinstance(value, float):
            return value
        try:
            ratios = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            ratios = ()
        if not ratios or any(not 0.0 <= ratio <= 1.0 for ratio in ratios):
            self.fail(f"{value!r} is neither a ratio from 0 to 1 nor several such as 0.1,0.5,1", param, ctx)
        return ratios if len(ratios) > 1 else ratios[0]


class Blend(click.ParamType):  # type: ignore[type-arg]
    """The share of the penalised fit in a relaxed one, or its choice on the folds."""

    name = "cv|γ"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | float:
        """The word, or a number from 0 to 1."""
        try:
            share = value if value == "cv" else float(value)
        except ValueError:
            share = -1.0
        if share != "cv" and not 0.0 <= share <= 1.0:
            self.fail(f"{value!r} is neither cv nor a number from 0 (refit) to 1 (penalised)", param, ctx)
        return share


data_options = option_group(
    click.argument("data", type=click.Path(dir_okay=False, path_type=Path)),
    click.option(
        "--target", type=ColumnName(), metavar="COLUMN", help="The column to predict; moments know theirs."
    ),
    click.option(
        "--task",
        type=click.Choice(["regression", "classification"]),
        help="Default: text, truth values or two values: classification; other numbers: regression.",
    ),
    click.option(
        "--weights", type=ColumnName(), metavar="COLUMN", help="A column of row weights, at least 0."
    ),
    click.option(
        "--offset",
        type=ColumnName(),
        metavar="COLUMN",
        help="A column added to the linear predictor as it stands (a log exposure); no feature.",
    ),
    click.option(
        "--frequency-weights",
        is_flag=True,
        help="With --weights: whole numbers that count repetitions of a row.",
    ),
    click.option(
        "--test-size",
        type=click.FloatRange(0.0, 1.0, max_open=True),
        default=0.2,
        show_default=True,
        help="Share of rows held out for the test; 0 for none.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        help="Draws the test part, the folds and a network's first weights.",
    ),
)
"""What says which data are fitted: DATA, --target, --task, columns about rows, the split."""


fold_options = option_group(
    click.option("--cv", type=click.IntRange(2), default=10, show_default=True, help="Folds that choose λ."),
    click.option(
        "--repeats",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="How often the folds are drawn anew.",
    ),
    click.option(
        "--groups",
        type=ColumnName(),
        metavar="COLUMN",
        help="Rows of one group stay in one fold, and in one part; no feature.",
    ),
    click.option(
        "--time",
        type=ColumnName(),
        metavar="COLUMN",
        help="Folds train on the past alone; the test part is the latest rows.",
    ),
    click.option(
        "--scoring",
        multiple=True,
        metavar="SCORER",
        help="A scikit-learn scorer, such as r2 or roc_auc, that judges the folds; the first one chooses.",
    ),
)
"""Which rows are held out together, and how often: --cv, --repeats, --groups, --time, --scoring."""


_SEVERAL: dict[str, Any] = {"multiple": True, "type": ColumnName(), "metavar": "COLUMN"}

column_options = option_group(
    click.option("--categorical", **_SEVERAL, help="Read as a category. May be given several times."),
    click.option("--numeric", **_SEVERAL, help="Read as numbers; other cells are missing."),
    click.option("--drop", **_SEVERAL, help="Leave out."),
    click.option("--keep", **_SEVERAL, help="Keep a column that looks like an identifier or free text."),
    click.option("--interactions", is_flag=True, help="Add the products of all pairs of columns."),
    click.option(
        "--degree",
        type=click.IntRange(1, 9),
        default=1,
        show_default=True,
        help="Add powers of numbers up to this.",
    ),
    click.option(
        "--splines",
        type=Knots(),
        default=0,
        metavar="KNOTS",
        help="Add natural cubic splines of numbers, with 3 to 50 knots.",
    ),
)
"""What is said about single columns, and which features are made from them."""


text_option = click.option(
    "--text", **_SEVERAL, help="Make features of a text: its words, and pairs of words (TF-IDF, sparse)."
)
"""What makes words of text columns; rows that are summed up have none."""


model_options = option_group(
    click.option(
        "--loss",
        type=LossName(),
        metavar="NAME",
        help="squared, huber, poisson, gamma or tweedie, or that of an installed package; for classes logistic or multinomial."
        " Default: squared error for numbers, cross-entropy for classes.",
    ),
    click.option(
        "--log-target",
        is_flag=True,
        help="Fit the logarithm of a positive target; predictions and test are in its own units.",
    ),
    click.option("--hidden", type=SizesType(), default=(), metavar="64,32", help="Hidden layers: a network."),
    click.option(
        "--final",
        type=click.Choice(["average", "refit"]),
        default="average",
        show_default=True,
        help="With --hidden: the mean of some ten networks of the folds as one, or one network of all rows.",
    ),
    click.option(
        "--rule",
        type=click.Choice(["min", "1se"]),
        default="min",
        show_default=True,
        help="λ of the lowest CV score, or the strongest within one standard error of it.",
    ),
)
"""What says which model is fitted: loss, layers, the rule."""


def output_options(command: Command) -> Command:
    """How results are said."""
    command = click.option("--quiet", is_flag=True, help="Say nothing but errors.")(command)
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")(command)


def require_target(context: click.Context, data: Path) -> None:
    """UsageError where no column is named to predict, and DATA are no moments, which know theirs; ``DataError`` where it is
    not there."""
    if context.params["target"] is not None:
        _look_for_target(context, data)
        return
    from taut.streaming import is_moments

    if not is_moments(data):
        raise click.MissingParameter(
            ctx=context, param=next(param for param in context.command.params if param.name == "target")
        )


def _look_for_target(context: click.Context, data: Path) -> None:
    """``DataError`` where the column to predict is not there, before anything is imported that takes long.

    Where nothing is said of how the file is written; otherwise whoever reads all of it looks.
    """
    from taut.design import OPTION_NAMES, column_names, unknown_column

    target = context.params["target"]
    said = (context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in OPTION_NAMES)
    names = None if any(said) else column_names(data)
    if names is not None and target not in names:
        raise unknown_column(target, names, data.name, "target column")


def words_of(context: click.Context, without: frozenset[str]) -> tuple[str, ...]:
    """The command line that a command was given, every option in full, files by their names, ``without`` some."""
    words = ["taut", str(context.command.name)]
    for param in context.command.params:
        name = str(param.name)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name not in without:
            words += _spelt(param, context.params[name])
    return tuple(words)


def _spelt(param: click.Parameter, value: Any) -> list[str]:
    if isinstance(param, click.Argument):
        return [value.name if isinstance(value, Path) else str(value)]
    if isinstance(param, click.Option) and param.is_flag:
        return [param.opts[0] if value else param.secondary_opts[0]]
    several = value if param.multiple else [value]
    texts = (_one(param, one) for one in several)
    return [word for text in texts for word in (param.opts[0], text)]


def _one(param: click.Parameter, value: Any) -> str:
    if isinstance(param.type, ForColumns):
        return param.type.written(value)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def default_folder(data: Path) -> Path:
    """NAME.taut in the current folder for DATA NAME.csv (or NAME.csv.gz), stdin.taut for a pipe."""
    from taut.design import PIPE, is_pipe

    return Path((PIPE if is_pipe(data) else data.name.split(".")[0]) + FOLDER_SUFFIX)
