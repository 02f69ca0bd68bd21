"""A fit of a table that ends early says so, and one that was told not to does not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import taut
from taut.cli.commands import fit_command


@pytest.mark.parametrize("early", [True, False])
def test_the_summary_says_where_a_path_was_stopped(early: bool) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 30))
    sold = X[:, :3].sum(axis=1) + rng.standard_normal(150) > 0.0
    table = pl.DataFrame({f"x{j}": x for j, x in enumerate(X.T)} | {"sold": sold.astype(int)})
    found = taut.fit(table, "sold", task="classification", early_stop=early)
    count, said = len(found.path), " ".join(str(found).split())
    assert (count < 100) is early
    assert (f"Path {count} of 100 λ × 10 folds" if early else "Path 100 λ × 10 folds") in said
    assert ("--no-early-stop" in said) is early


def test_the_command_line_can_ask_for_the_whole_path() -> None:
    flags = {flag for param in fit_command.params for flag in (*param.opts, *param.secondary_opts)}
    assert {"--early-stop", "--no-early-stop"} <= flags
