"""A corpus of bad inputs as a table: what is in the file, what is asked, which exit code, which words on stderr.

Every case ends in its code without a traceback; a code of 0 says that the odd thing was read and *said*.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

RNG = np.random.default_rng(0)
N = 40
OK, USAGE, DATA, UNMET = 0, 2, 3, 4


@dataclass(frozen=True)
class Case:
    """A file and a call; ``code`` and ``words`` are what must come of it (words on either stream)."""

    name: str
    content: bytes | Callable[[], bytes]
    code: int
    words: tuple[str, ...]
    options: tuple[str, ...] = ("--lam", "0.1")
    target: str = "y"
    file: str = "d.csv"

    @property
    def data(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content()


def numbers(rows: int = N) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 2))
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] + rng.normal(size=rows)})


GOOD = numbers().write_csv()
HEADER, _, BODY = GOOD.partition("\n")


def csv(*rows: str, header: str = HEADER) -> bytes:
    """The good table with some lines of one's own between header and rows."""
    return "\n".join([header, *rows, BODY]).encode()


def column(cells: list[Any], name: str = "a") -> bytes:
    """The good table with one column replaced by ``cells``."""
    return numbers().with_columns(pl.Series(name, [str(c) for c in cells])).write_csv().encode()


def cycle(*values: Any) -> list[Any]:
    return [values[i % len(values)] for i in range(N)]


def parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def wide(columns: int) -> bytes:
    rng = np.random.default_rng(2)
    names = [*(f"v{j}" for j in range(columns)), "y"]
    rows = [",".join(f"{v:.3g}" for v in rng.normal(size=columns + 1)) for _ in range(12)]
    return "\n".join([",".join(names), *rows]).encode()


def files() -> Iterator[Case]:
    """What is no table at all, or half of one."""
    pq = parquet(numbers())
    yield Case("empty file", b"", DATA, ("d.csv: the file is empty",))
    yield Case("blank lines", b"\n\n \n", DATA, ("d.csv: the file is empty",))
    yield Case("header only", b"a,b,y\n", DATA, ("no rows below the header",))
    yield Case("byte-order mark only", b"\xef\xbb\xbf", DATA, ("the file is empty",))
    yield Case("a line too long", csv("1,2,3,4"), DATA, ("line 2 has 4 cells, the header has 3: '1,2,3,4'",))
    yield Case("a line too short", csv("1,2"), OK, ("line 2 ends early",))
    yield Case("NUL bytes", csv("1,\0,3"), DATA, ("line 2 holds a NUL byte",))
    yield Case("all NUL", b"\0" * 999, DATA, ("line 1 holds a NUL byte",))
    yield Case("random bytes", RNG.bytes(4096), DATA, ("no text table",))
    yield Case("control characters", csv("1,\x07,3"), DATA, ("line 2 holds the control character 0x07",))
    yield Case("UTF-16", GOOD.encode("utf-16"), OK, ("encoding utf-16",))
    yield Case("UTF-16 cut off", GOOD.encode("utf-16")[:-1], DATA, ("begins as utf-16 and breaks off",))
    yield Case("UTF-16 without a mark", GOOD.encode("utf-16-le"), OK, ("encoding utf-16-le",))
    yield Case("UTF-32", GOOD.encode("utf-32"), OK, ("encoding utf-32",))
    yield Case("Windows-1252", csv(header="ä,b,y").decode().encode("cp1252"), OK, ("encoding windows-1252",))
    yield Case("invalid UTF-8", csv(header="a,b,y").replace(b"a,", b"\xc3\x28,", 1), OK, ("windows-1252",))
    yield Case("a quote never closed", csv('"1,2,3'), DATA, ("line 2", "never closed"))
    yield Case("a quote never closed in the header", csv(header='"a,b,y'), DATA, ("line 1", "never closed"))
    yield Case("text behind a quote", csv('"1"x,2,3'), DATA, ("line 2: text follows a closing quote",))
    yield Case("a field of 200 kB", csv('"' + "x" * 200_000 + '",2,3'), OK, ("41 rows",))
    yield Case("Windows line ends", GOOD.replace("\n", "\r\n").encode(), OK, ("40 rows × 2 columns",))
    yield Case("old Mac line ends", GOOD.replace("\n", "\r").encode(), OK, ("40 rows × 2 columns",))
    yield Case("blanks between cells", GOOD.replace(",", "  ").encode(), OK, ("delimiter blanks",))
    yield Case(
        "one column of words",
        b"some words only\nmore words here now\n",
        DATA,
        ("one column found", "delimit"),
    )
    yield Case("a spreadsheet", b"PK\x03\x04" + bytes(99), DATA, ("spreadsheet", "export"), file="d.xlsx")
    yield Case("an old spreadsheet", b"\xd0\xcf\x11\xe0" + bytes(99), DATA, ("old spreadsheet", "export"))
    yield Case("a PDF", b"%PDF-1.4\n%\xe2\xe3", DATA, ("a PDF",))
    yield Case("HDF5", b"\x89HDF\r\n" + bytes(99), DATA, ("an HDF5 file",))
    yield Case("a pickle", b"\x80\x04\x95cos\nsystem\n", DATA, ("a pickle, which is never opened",))
    yield Case("a database", b"SQLite format 3\0" + bytes(99), DATA, ("a database",))
    yield Case("bzip2", b"BZh91AY&SY", DATA, ("bzip2",))
    yield Case(
        "Parquet damaged", pq[:200] + pq[300:], DATA, ("not a readable Parquet file",), file="d.parquet"
    )
    yield Case("Parquet cut off", pq[:-20], DATA, ("not a readable Parquet file",), file="d.parquet")
    yield Case("Parquet in name only", GOOD.encode(), OK, ("40 rows",), file="d.parquet")
    yield Case("Parquet without rows", parquet(numbers().head(0)), DATA, ("no rows",), file="d.parquet")
    yield Case(
        "Arrow damaged", b"ARROW1\0\0" + bytes(50), DATA, ("not a readable Arrow file",), file="d.arrow"
    )
    yield Case("gzip cut off", gzip.compress(GOOD.encode())[:-20], DATA, ("cut off",), file="d.csv.gz")
    yield Case("gzip damaged", b"\x1f\x8b\x08 broken", DATA, ("gzip",), file="d.csv.gz")
    yield Case(
        "a gzip bomb",
        lambda: gzip.compress(bytes(300_000_000), 9),
        DATA,
        ("more than 200 times",),
        file="d.csv.gz",
    )
    yield Case(
        "gzip twice", gzip.compress(gzip.compress(GOOD.encode())), DATA, ("no text table",), file="d.csv.gz"
    )
    yield Case(
        "npz of pickled objects",
        npz(X=np.array([[{}]]), y=np.zeros(1)),
        DATA,
        ("not a readable .npz",),
        file="d.npz",
    )
    yield Case(
        "npz of unequal lengths", npz(X=np.eye(3), y=np.zeros(2)), DATA, ("lengths differ",), file="d.npz"
    )
    yield Case("npz of cubes", npz(X=np.zeros((3, 2, 2))), DATA, ("'X' has 3 dimensions",), file="d.npz")
    yield Case(
        "an npz bomb", lambda: zipped(X=bytes(300_000_000)), DATA, ("more than 200 times",), file="d.npz"
    )
    yield Case("svmlight damaged", b"1 1:2 2:x\n-1 1:3\n", DATA, ("svmlight",), target="label")
    yield Case("svmlight of index zero", b"1 0:2\n-1 1:3\n", DATA, ("svmlight",), target="label")
    yield Case("svmlight too wide", b"1 1:2 4000000000:1\n" * 2, DATA, ("svmlight",), target="label")


def foreign() -> Iterator[Case]:
    """Files of other programs."""
    yield Case("MATLAB", b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(99), DATA, ("a MATLAB file",))
    yield Case("an R workspace", gzip.compress(b"RDX3\nX\n" + bytes(99)), DATA, ("write.csv",))
    yield Case("an R object", gzip.compress(b"X\n\0\0\0\3" + bytes(99)), DATA, ("write.csv",))


def other_texts() -> Iterator[Case]:
    """Text that is no table of cells behind delimiters."""
    yield Case("HTML", b"<html><body>\n<p>1</p>\n</body></html>\n", DATA, ("a web page", "as CSV"))
    yield Case("JSON lines", b'{"a": 1, "y": 2}\n{"a": 2, "y": 3}\n', DATA, ("JSON", "export the table"))
    yield Case("JSON", b'\xef\xbb\xbf[\n {"a": 1, "y": 2}]\n', DATA, ("JSON", "export the table"))
    yield Case("a line for one spreadsheet", b"sep=,\r\n" + csv(), OK, ("line 1 stands above the table",))
    yield Case(
        "a comment above the header",
        b"# lab 3\n" + csv(),
        OK,
        ("line 1 stands above the table and is left out: '# lab 3'",),
    )


def headers() -> Iterator[Case]:
    """Names that are missing, double, endless or hostile."""
    yield Case("no header", BODY.encode(), DATA, ("no target column 'y'", "is a number", "--no-header"))
    yield Case(
        "no header, and said",
        BODY.encode(),
        OK,
        ("columns named c1, c2",),
        ("--lam", "0.1", "--no-header"),
        "c3",
    )
    yield Case("a name twice", csv(header="a,a,y"), OK, ("'a' names several columns", "'a (2)'"))
    yield Case("the target twice", csv(header="y,b,y"), OK, ("'y' names several columns", "'y (2)'"))
    yield Case("a blank name", csv(header=",b,y"), OK, ("unnamed",))
    yield Case("blank names", csv(header=",,y"), OK, ("'unnamed' names several columns",))
    yield Case("blanks around the target", csv(header="a,b, y "), OK, ("regression of y",))
    yield Case(
        "a name of 10 kB", csv(header="z" * 10_240 + ",b,y"), DATA, ("no target column 'x'",), target="x"
    )
    yield Case("HTML in a name", csv(header="<script>alert(1)</script>,b,y"), OK, ("<script>",))
    yield Case("escapes in a name", csv(header="\x1b[31mred\x1b[0m,b,y"), OK, ("[31mred[0m",))
    yield Case("a formula in a name", csv(header="=cmd|' /C calc'!A1,b,y"), OK, ("=cmd",))
    yield Case("direction marks in a name", csv(header="\u202eabc,b,y"), OK, ("abc",))
    yield Case("a target with a typo", GOOD.encode(), DATA, ("did you mean 'y'",), target="yy")
    yield Case("a target in capitals", GOOD.encode(), DATA, ("did you mean 'y'",), target="Y")
    yield Case("an empty target", GOOD.encode(), DATA, ("no target column ''",), target="")
    yield Case("escapes in the target", GOOD.encode(), DATA, ("'[31my'",), target="\x1b[31my")
    yield Case("an unknown column to drop", GOOD.encode(), DATA, ("no column 'c'",), ("--drop", "c"))
    yield Case("the target dropped", GOOD.encode(), DATA, ("'y' is the target",), ("--drop", "y"))
    yield Case(
        "dropped and kept",
        GOOD.encode(),
        DATA,
        ("'a' is asked to be two things",),
        ("--drop", "a", "--keep", "a"),
    )
    yield Case(
        "everything dropped", GOOD.encode(), DATA, ("no column is left",), ("--drop", "a", "--drop", "b")
    )
    yield Case("100 000 columns", lambda: wide(100_000), OK, ("12 rows × 100 000 columns",), ("--lam", "1.9"))


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
