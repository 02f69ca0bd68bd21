"""The commands: fit, predict, report, teach, show, compare, completion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from taut.cli.arguments import (
    Blend,
    ColumnName,
    StrengthType,
    column_options,
    data_options,
    default_folder,
    fold_options,
    model_options,
    output_options,
    require_target,
    text_option,
    words_of,
)
from taut.cli.outcome import OneLineGroup, look_for, one_line_errors
from taut.cli.reading_arguments import reading_options
from taut.cli.shared import check_network_options, shared_options
from taut.options import ChoiceOptions, ModelOptions, TrainingOptions
from taut.version import __version__

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

HOW_SAID = frozenset({"out", "force", "as_json", "quiet"})
"""Options of ``taut fit`` that do not say what is fitted."""
NOT_OF_A_FIT = frozenset({"data", "hidden", "linear", "as_json", "quiet"})
"""Arguments of ``taut compare`` that the fit it advises has not, or has its own of."""


@click.group(cls=OneLineGroup, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="taut")
def main() -> None:
    """Regularization paths for linear models and neural networks.

    \b
    taut fit houses.csv --target price          fit, choose, test; writes houses.taut/
    taut predict houses.taut new.csv            predictions for other rows
    taut report houses.taut                     one page on which λ can be moved: houses.html
    """


@main.command("fit", short_help="Fit the whole path, choose λ, test the choice.")
@data_options
@fold_options
@column_options
@text_option
@reading_options
@model_options
@shared_options(ModelOptions, TrainingOptions)
@shared_options(ChoiceOptions, only=("early_stop",))
@click.option(
    "--auto", "model", is_flag=True, flag_value="auto", default=None,
    help="Lasso, elastic net, ridge and network (--hidden, or 64) on the same folds: the simplest as good as the best.",
)  # fmt: skip
@click.option(
    "--budget", type=click.FloatRange(0.0, min_open=True), metavar="SECONDS",
    help="With --auto: no further model is fitted then. Default: ten times the lasso's time, a minute at least.",
)  # fmt: skip
@click.option(
    "--group-factors",
    is_flag=True,
    help="Group lasso: all levels of a category (all features of one column) enter or leave together.",
)
@click.option(
    "--fallback",
    type=click.Choice(["1se", "2se", "never", "always"]),
    default="1se",
    show_default=True,
    help="With --hidden: take the linear model unless the network is better by one (or two) standard errors; never: keep it.",
)
@click.option(
    "--lam", type=StrengthType(), default="cv", show_default=True, metavar="cv|loo|aic|bic|ebic|gcv|VALUE",
    help="How λ is chosen (loo: the exact leave-one-out of a ridge), or λ itself.",
)  # fmt: skip
@click.option(
    "--relax", type=Blend(), metavar="cv|SHARE",
    help="Blend with the unpenalised refit of what is kept: 0 the refit alone, 1 none of it.",
)  # fmt: skip
@click.option(
    "--adaptive", type=click.FloatRange(0.0, min_open=True), metavar="POWER",
    help="A coefficient costs 1/|β|^POWER, β of a pilot ridge fit; usually 1.",
)  # fmt: skip
@click.option(
    "--bootstrap", type=click.IntRange(0), default=0, show_default=True, metavar="FITS",
    help="Bootstrap fits that measure bias, variance and stability; 0 for none.",
)  # fmt: skip
@click.option(
    "--streamed/--in-memory", "streamed", default=None,
    help="Fit a Parquet file from sums that two passes take, or read all its rows. Default: sums beyond a million rows.",
)  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Default: NAME.taut")
@click.option("--force", is_flag=True, help="Write over the fit of other data or options in --out.")
@output_options
def fit_command(**arguments: Any) -> None:
    """Fit the whole path to a table (a file, a pipe, or - for stdin), choose λ, and test the choice on held-out rows.

    \b
    Example:  taut fit houses.csv --target price --hidden 64,32
              taut fit houses.csv --target price --auto
              taut fit visits.csv --target cost --groups patient --penalty elasticnet --l1-ratio 0.1,0.5,1
              taut fit reviews.csv --target stars --text title --text review
              taut fit sales.csv --target units --time day --scoring neg_mean_absolute_error --relax cv

    DATA is CSV with any delimiter (also .gz, UTF-16), Parquet, Arrow (Feather), svmlight (.svm) or a sparse matrix (.npz).
    Numbers are standardised, categories one-hot encoded, gaps filled; all of it is said and learned on the
    training rows alone.
    """
    with one_line_errors():
        data, out = arguments.pop("data"), arguments.pop("out")
        context = click.get_current_context()
        look_for(data)
        check_network_options(context)
        require_target(context, data)
        from taut.cli.fitting import run_fit
        from taut.cli.terminal import wrapped_to_terminal

        command = words_of(context, HOW_SAID)
        with wrapped_to_terminal():
            run_fit(data, out or default_folder(data), command=command, **arguments)


@main.command("predict", short_help="Predict the rows of a file with a fitted model.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A CSV file; default: stdout.")
@click.option(
    "--interval", type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True), metavar="SHARE",
    help="Also lower and upper, or the set of classes, that hold this share of new targets, such as 0.9.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Write over a file that holds no predictions.")
@output_options
def predict_command(
    model: Path,
    data: Path,
    out: Path | None,
    interval: float | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Predict the rows of DATA (a file, a pipe, or - for stdin) with a fitted MODEL (its folder or file).

    \b
    Example:  taut predict houses.taut new.csv --out prices.csv
              taut predict houses.taut new.csv --interval 0.9
    """
    with one_line_errors():
        look_for(data)
        from taut.cli.reading import run_predict

        run_predict(model, data, out, as_json, quiet, force, interval)


@main.command("report", short_help="Write the page of a fitted model, on which λ can be moved.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: NAME.html")
@click.option(
    "--no-gram", is_flag=True, help="Leave out the features' correlations, and solving in the page."
)
@click.option("--force", is_flag=True, help="Write over a file that is no report.")
@output_options
def report_command(
    model: Path, out: Path | None, no_gram: bool, force: bool, as_json: bool, quiet: bool
) -> None:
    """Write the report of a fitted MODEL (its folder or file): one HTML page that needs no network.

    \b
    Example:  taut report houses.taut --out houses.html
    """
    with one_line_errors():
        from taut.cli.reading import run_report

        run_report(model, out, no_gram, force, as_json, quiet)


@main.command("teach", short_help="Write a page that teaches regularization with a small network, live.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default="teach.html", show_default=True,
    help="Where the page goes.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Write over a file that is no page of taut.")
@output_options
def teach_command(out: Path, force: bool, as_json: bool, quiet: bool) -> None:
    """Write one page on which a small network trains while λ, L1 : L2 and the learning rate move.

    \b
    Example:  taut teach --out lesson.html
    """
    with one_line_errors():
        from taut.cli.reading import run_teach

        run_teach(out, force, as_json, quiet)


@main.command("show", short_help="Print what a fitted model is.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--path", "whole_path", is_flag=True, help="Every λ of the path.")
@click.option("--coefficients", is_flag=True, help="Every kept coefficient.")
@click.option("--columns", is_flag=True, help="The preparation in words, column by column.")
@output_options
def show_command(
    model: Path, whole_path: bool, coefficients: bool, columns: bool, as_json: bool, quiet: bool
) -> None:
    """Print what a fitted MODEL (its folder or file) is and how it came about.

    \b
    Example:  taut show houses.taut --coefficients
    """
    with one_line_errors():
        from taut.cli.reading import run_show
        from taut.cli.terminal import wrapped_to_terminal

        with wrapped_to_terminal():
            run_show(model, (whole_path, coefficients, columns), as_json, quiet)


@main.command("compare", short_help="Penalties and networks on the same folds, and advice.")
@data_options
@fold_options
@column_options
@text_option
@reading_options
@model_options
@shared_options(ModelOptions, without=("penalty", "l1_ratio", "layer_penalties", "bias_penalties"))
@click.option(
    "--linear", is_flag=True, help="Leave the networks out (without --hidden they have 32 neurons)."
)
@output_options
def compare_command(**arguments: Any) -> None:
    """Fit null model, unpenalised model, lasso, elastic net, ridge and networks on the same folds, and compare them.

    \b
    Example:  taut compare houses.csv --target price --hidden 64

    The advice follows from one rule: of all models that are no worse than the best by more than one standard error of
    the difference, fold by fold, take the simplest: linear before network, then fewest features.
    """
    with one_line_errors():
        data, context = arguments.pop("data"), click.get_current_context()
        look_for(data)
        require_target(context, data)
        from taut.cli.comparing import run_compare
        from taut.cli.terminal import wrapped_to_terminal

        with wrapped_to_terminal():
            run_compare(data, command=(str(data), *words_of(context, NOT_OF_A_FIT)[2:]), **arguments)


@main.command("moments", short_help="Sum up tables of any size, for taut fit.")
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--target", type=ColumnName(), metavar="COLUMN", help="The column of numbers to predict.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="NAME.moments")
@click.option("--folds", type=click.IntRange(2), default=10, show_default=True, help="Folds that choose λ.")
@click.option(
    "--test-size", type=click.FloatRange(0.0, 1.0, max_open=True), default=0.2, show_default=True,
    help="Share of rows held out for the test; 0 for none.",
)  # fmt: skip
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Draws the test part and the folds.",
)
@click.option("--task", type=click.Choice(["regression"]), help="Takes a target of two values as numbers.")
@click.option("--weights", type=ColumnName(), metavar="COLUMN", help="A column of row weights, at least 0.")
@click.option(
    "--groups", type=ColumnName(), metavar="COLUMN", help="Rows of one group stay in one part; no feature."
)
@click.option(
    "--preparation", type=click.Path(path_type=Path), help="Other moments, or a fit: these then add to those."
)
@click.option(
    "--first-row",
    type=click.IntRange(0),
    default=0,
    help="Number of the first row, where rows continue others.",
)
@column_options
@click.option("--text", multiple=True, hidden=True, help="Refused: sums have no words.")
@click.option("--force", is_flag=True, help="Write over a file that holds no moments.")
@output_options
def moments_command(**arguments: Any) -> None:
    """Sum up the rows of FILES (Parquet, CSV, Arrow; of any size) per fold and for the test part: all that a fit needs.

    \b
    Example:  taut moments sales/*.parquet --target revenue --out sales.moments
              taut fit sales.moments
              taut moments june.parquet --preparation sales.moments --out june.moments
              taut add sales.moments june.moments --out both.moments

    Two passes read the files in blocks: the first learns types, levels and medians, the second sums. With the
    preparation of other moments there is one, and no row leaves the machine: the sums of ten rows or more do.
    """
    with one_line_errors():
        from taut.cli.moments import run_moments
        from taut.cli.terminal import wrapped_to_terminal

        if arguments.pop("text"):
            raise click.UsageError(
                "--text is for taut fit on the table itself: the words of a text are counted in rows, and moments are sums"
            )
        if arguments["target"] is None and arguments["preparation"] is None:
            raise click.UsageError(
                "Missing option '--target' (moments that are given as --preparation know theirs)."
            )
        with wrapped_to_terminal():
            run_moments(arguments.pop("files"), arguments.pop("out"), **arguments)


@main.command("add", short_help="Add moments: months, sites, machines.")
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="NAME.moments")
@click.option("--force", is_flag=True, help="Write over a file that holds no moments.")
@output_options
def add_command(files: tuple[Path, ...], out: Path, force: bool, as_json: bool, quiet: bool) -> None:
    """Add the moments of FILES, which share their preparation, as if all their rows had been summed up together.

    \b
    Example:  taut add january.moments february.moments --out year.moments
    """
    with one_line_errors():
        from taut.cli.moments import run_add

        run_add(files, out, force, as_json, quiet)


@main.command("completion", short_help="Print the script that completes commands and columns in a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of a SHELL, which then completes commands, options and the columns of DATA.

    \b
    Example:  taut completion bash >> ~/.bashrc
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None  # click has all three
    click.echo(made(main, {}, "taut", "_TAUT_COMPLETE").source())
