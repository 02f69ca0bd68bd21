"""Cases of the corpus: what is no table at all, or half of one, and odd headers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import numpy as np

from tests.robustness.case import BODY, DATA, GOOD, OK, RNG, Case, csv, npz, numbers, parquet, wide, zipped


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
