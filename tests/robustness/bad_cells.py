"""Cases of the corpus: odd cells, odd shapes, and targets that can not serve."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tests.robustness.case import DATA, GOOD, OK, RNG, UNMET, Case, N, column, csv, cycle, numbers


def values() -> Iterator[Case]:
    """Cells that are missing, infinite, huge, tiny or of several kinds."""
    yield Case("a column of gaps", column([""] * N), OK, ("1 empty (a)",))
    yield Case(
        "only gaps", b"a,b,y\n" + b"\n".join(b",,%d" % i for i in range(N)), DATA, ("no column is left",)
    )
    yield Case("infinity", csv("inf,1,2"), OK, ("a: 1 infinite, read as missing",))
    yield Case("an overflow", csv("1e400,1,2"), OK, ("a: 1 infinite, read as missing",))
    yield Case(
        "1e300",
        column((RNG.normal(size=N) * 1e300).tolist()),
        DATA,
        ("column 'a' holds", "cannot be squared"),
    )
    yield Case("1e-300", column((RNG.normal(size=N) * 1e-300).tolist()), OK, ("2 numeric",))
    yield Case(
        "integers beyond 2^53", column([2**53 + i * i for i in range(N)]), OK, ("a: integers beyond 2^53",)
    )
    yield Case(
        "integers beyond 2^64",
        column(cycle(*(2**70 + i for i in range(4)))),
        OK,
        ("1 categorical",),
        ("--lam", "0.1", "--categorical", "a"),
    )
    yield Case("mixed kinds", column(cycle(1, "x", "2020-01-01")), OK, ("1 categorical",))
    yield Case(
        "an odd cell",
        column(["oops", *range(1, N)]) + column(range(N)).partition(b"\n")[2],
        OK,
        ("a: 'oops' read as missing",),
    )
    yield Case(
        "text as numbers", column(cycle("u", "v")), DATA, ("'a' is asked to be numeric",), ("--numeric", "a")
    )
    yield Case("names as numbers", column([f"n{i}" for i in range(N)]), OK, ("1 id-like (a)",))
    yield Case("sentences", column([f"this is text {i}" for i in range(N)]), OK, ("1 free text (a)",))
    yield Case("a constant", column([7] * N), OK, ("1 constant (a)",))
    yield Case("a copy", numbers().with_columns(b=pl.col("a")).write_csv().encode(), OK, ("1 duplicate (b)",))
    yield Case(
        "a leak",
        numbers().with_columns(b=pl.col("y").exp()).write_csv().encode(),
        OK,
        ("Leak?", "'b' orders the rows"),
    )
    yield Case(
        "a sum that leaks",
        numbers().with_columns(y=pl.col("a") + 2 * pl.col("b")).write_csv().encode(),
        OK,
        ("Leak?", "combination of 'b' and 'a'"),
    )


def shapes() -> Iterator[Case]:
    """Too few rows or columns."""
    yield Case("one row", b"a,b,y\n1,2,3\n", DATA, ("only the value '3'",))
    yield Case("two rows", b"a,b,y\n1,2,3\n2,3,5\n", DATA, ("1 training row holds one value",))
    yield Case("three rows", b"a,b,y\n1,2,3\n2,3,5\n4,1,2\n", OK, ("2 train / 1 test",))
    yield Case("fewer rows than folds", numbers(6).write_csv().encode(), OK, ("cv=10: 4 folds are used",), ())
    yield Case("a single column", numbers().drop("b").write_csv().encode(), OK, ("1 numeric",))
    yield Case(
        "only the target", numbers().select("y").write_csv().encode(), DATA, ("no column besides the target",)
    )


def targets() -> Iterator[Case]:
    """What cannot be predicted, or only with care."""
    rare = ["p" if i == 3 else "q" for i in range(N)]
    split = pl.DataFrame({"a": RNG.permutation(2 * N)}).with_columns(
        y=pl.when(pl.col("a") < N).then(pl.lit("p")).otherwise(pl.lit("q"))
    )
    yield Case("a constant target", column([1] * N, "y"), DATA, ("only the value '1'",))
    yield Case(
        "classes of one row each",
        column([f"k{i}" if i < 10 else "uv"[i % 2] for i in range(N)], "y"),
        DATA,
        ("has 1 row, all in the test part", "--test-size 0"),
    )
    yield Case("no target value", column([""] * N, "y"), DATA, ("no value at all",))
    yield Case("one target value", column(["", *[""] * (N - 2), 5], "y"), DATA, ("only the value '5'",))
    yield Case(
        "gaps in the target", column(["", "", *range(N - 2)], "y"), OK, ("2 rows without a target left out",)
    )
    yield Case("a single class", column(["p"] * N, "y"), DATA, ("only the value 'p'",))
    yield Case("a class of one row", column(rare, "y"), OK, ("classification of y",))
    yield Case(
        "a class rarer than folds",
        column(cycle("p", *"q" * 9), "y"),
        OK,
        ("folds are used, because the rarest class",),
        (),
    )
    yield Case(
        "a name for each row",
        column([f"t{i}" for i in range(N)], "y"),
        DATA,
        ("such as 't0', too many for classes",),
    )
    yield Case(
        "words as numbers",
        column(cycle("u", "v", "w"), "y"),
        DATA,
        ("'u', which is no number",),
        ("--task", "regression"),
    )
    yield Case("separable classes", split.write_csv().encode(), OK, ("Leak?", "--drop"), ("--lam", "0.1"))
    yield Case(
        "separable without a penalty", split.write_csv().encode(), UNMET, ("does not exist",), ("--lam", "0")
    )
    yield Case(
        "a huge target",
        column((RNG.normal(size=N) * 1e300).tolist(), "y"),
        DATA,
        ("target 'y', row 1", "cannot be squared"),
    )
    yield Case(
        "a tiny target", column((RNG.normal(size=N) * 1e-300).tolist(), "y"), DATA, ("y is", "another unit")
    )
    yield Case("an infinite target", csv("1,2,inf"), OK, ("1 row without a target",))
    yield Case("negative counts", GOOD.encode(), DATA, ("target 'y', row", "Poisson"), ("--loss", "poisson"))
