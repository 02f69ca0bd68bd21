"""A corpus of bad inputs as a table: what is in the file, what is asked, which exit code, which words on stderr.

Every case ends in its code without a traceback; a code of 0 says that the odd thing was read and *said*.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.robustness.bad_cells import shapes, targets, values
from tests.robustness.bad_files import files, foreign, headers, other_texts
from tests.robustness.case import DATA, GOOD, OK, USAGE, Case, column, cycle, numbers


def options() -> Iterator[Case]:
    """Arguments out of range."""
    zero = numbers().with_columns(w=0).write_csv().encode()
    for name, value, words in (
        ("lam", "-1", "number ≥ 0"), ("lam", "nan", "number ≥ 0"), ("lam", "inf", "number ≥ 0"), ("lam", "strong", "number ≥ 0"),
        ("l1-ratio", "1.5", "neither a ratio from 0 to 1"), ("cv", "1", "x>=2"), ("cv", "ten", "not a valid integer"),
        ("test-size", "1", "0.0<=x<1.0"), ("test-size", "-0.1", "0.0<=x<1.0"), ("hidden", "0", "layer sizes"),
        ("hidden", "64,x", "layer sizes"), ("hidden", "1000000000", "layer sizes"), ("seed", "-1", "0<=x"),
        ("seed", "99999999999", "0<=x"), ("penalty", "l3", "'l1', 'l2', 'elasticnet'"), ("rule", "best", "'min', '1se'"),
        ("loss", "hinge", "'huber'"), ("task", "ranking", "'classification'"), ("degree", "10", "1<=x<=9"),
        ("splines", "2", "knots"), ("frobnicate", "1", "No such option"),
        ("alpha", "0.5", "glmnet's mix is l1_ratio"), ("random-state", "1", "it is called seed"), ("lambda", "0.1", "lam is the strength"),
    ):  # fmt: skip
        yield Case(f"--{name} {value}", GOOD.encode(), USAGE, (words, "--help"), (f"--{name}", value))
    for words, *arguments in (
        ("linear model: use hidden=()", "--hidden", "4", "--adaptive", "1"),
        ("a network has not", "--hidden", "4", "--lam", "aic"),
        ("leave-one-out in closed form is ridge's", "--hidden", "4", "--lam", "loo"),
        ("a network is not relaxed", "--hidden", "4", "--relax", "0"),
        ("it needs lam='cv'", "--scoring", "r2", "--lam", "0.1"),
        ("a formula of the plain penalised fit", "--relax", "0", "--lam", "aic"),
        ('relax="cv" chooses the blend on held-out rows', "--relax", "cv", "--lam", "0.1"),
    ):
        yield Case(" ".join(arguments), GOOD.encode(), USAGE, (words,), tuple(arguments))
    yield Case("negative weights", GOOD.encode(), DATA, ("weights column 'b', row",), ("--weights", "b"))
    yield Case("zero weights", zero, DATA, ("weights column 'w' is zero in every row",), ("--weights", "w"))
    yield Case(
        "weights of words", column(cycle("u", "v")), DATA, ("missing or no number",), ("--weights", "a")
    )
    yield Case(
        "weights and target", GOOD.encode(), DATA, ("both the target and the weights",), ("--weights", "y")
    )
    yield Case(
        "offsets of words", column(cycle("u", "v")), DATA, ("offset column 'a', row 1",), ("--offset", "a")
    )
    yield Case(
        "offset and target", GOOD.encode(), DATA, ("both the target and the offset",), ("--offset", "y")
    )
    yield Case("an unknown offset", GOOD.encode(), DATA, ("no offset column 'c'",), ("--offset", "c"))
    yield Case(
        "the offset dropped", GOOD.encode(), DATA, ("'b' is the offset",), ("--offset", "b", "--drop", "b")
    )
    yield Case("a loss for classes", GOOD.encode(), DATA, ("is for classes",), ("--loss", "logistic"))
    yield Case(
        "--l1-ratio nan",
        GOOD.encode(),
        USAGE,
        ("neither a ratio from 0 to 1",),
        ("--penalty", "elasticnet", "--l1-ratio", "nan"),
    )
    yield Case("more folds than memory", GOOD.encode(), OK, ("32 folds are used",), ("--cv", "1000000"))
    yield Case(
        "an output that is a file", GOOD.encode(), USAGE, ("is a file",), ("--lam", "1", "--out", "d.csv")
    )
    yield Case(
        "an output that cannot be",
        GOOD.encode(),
        DATA,
        ("/proc",),
        ("--lam", "1", "--out", "/proc/none/here"),
    )


CASES = [*files(), *foreign(), *other_texts(), *headers(), *values(), *shapes(), *targets(), *options()]
