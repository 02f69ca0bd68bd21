"""Fuzz the way from a file to a fit, the model loader and the options; what it finds goes to tests/robustness/corpus.

    python -m scripts.fuzz [csv|model|options ...] [--seconds 600] [--hypothesis] [--guided]
    python -m scripts.fuzz numeric [...]        random linear problems and their answers: scripts/numeric_fuzz/run.py

Nightly. Every input must end in a result or in one of the errors that taut promises (DataError, ModelFileError,
ValueError, or a usage error of the command line): anything else, a traceback, a hang or a crash, is a finding. Inputs are
random mutations of the corpus and of the inputs below; with ``--hypothesis`` tables, headers of model files and calls that
Hypothesis draws part by part, a finding shrunk to the least that shows it. With ``--guided`` atheris leads the mutations,
or with both options the draws, to code that no input has reached.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gc
import gzip
import hashlib
import importlib
import io
import json
import os
import pkgutil
import random
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import hypothesis
from click.testing import CliRunner
from hypothesis import strategies as st

import taut
from taut.cli import main as command_line

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "robustness" / "corpus"
TOKENS = (
    b",", b";", b"\t", b"|", b'"', b"\n", b"\r\n", b"\0", b"nan", b"inf", b"-inf", b"1e999", b"1e-999", b"NA", b"?",
    b"9" * 25, b"2020-01-01", b"\xff\xfe", b"\xef\xbb\xbf", b"=1+1", b"\x1b[2J", b" ", b"x" * 500, b"0,5", b"true",
)  # fmt: skip
OPTIONS = (
    "--penalty", "l1", "l2", "elasticnet", "--l1-ratio", "0", "1", "nan", "--lam", "cv", "bic", "0", "-1", "1e300", "--rule",
    "1se", "--cv", "2", "99", "--test-size", "0", "0.99", "--seed", "--hidden", "2", "2,2", "--degree", "3", "--splines", "4",
    "--interactions", "--drop", "a", "--keep", "--categorical", "k", "--numeric", "--no-header", "--weights", "w", "--task",
    "regression", "classification", "--loss", "huber", "poisson", "logistic", "--quiet", "--json", "--force",
    "--penalize-biases",    "--target", "y", "", "\x1b[31m", "é", "--",
)  # fmt: skip
SEED_TABLE = b"a,k,w,y\n" + b"".join(
    b"%d.5,%s,1,%d\n" % (i * 7 % 5, b"uvw"[i % 3 : i % 3 + 1], i % 4) for i in range(24)
)


class Finding(AssertionError):
    """An input that ended in something that is not promised."""


def fuzz_csv(data: bytes) -> None:
    """A file of these bytes, fitted; its own rows, predicted."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(scratch, "d.csv")
        path.write_bytes(data)
        try:
            fit = taut.fit(path, "y", lam=0.1)
            fit.predict(path)
            str(fit)
        except ValueError as error:
            _one_line(error)


def fuzz_model(data: bytes) -> None:
    """A model file of these bytes, loaded and shown."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(scratch, "m.safetensors")
        path.write_bytes(data)
        try:
            str(taut.load(path))
        except ValueError as error:
            _one_line(error)


def fuzz_options(data: bytes) -> None:
    """The command line with options that the bytes choose."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "d.csv").write_bytes(SEED_TABLE)
        chosen = [OPTIONS[byte % len(OPTIONS)] for byte in data[:12]]
        call = ["fit", f"{scratch}/d.csv", "--target", "y", "--lam", "0.1", "--out", f"{scratch}/o", *chosen]
        result = CliRunner().invoke(command_line, call)
        if result.exit_code not in (0, 2, 3, 4) or "Traceback" in result.output:
            raise Finding(f"exit {result.exit_code} of {call}: {result.output[-300:]}")


def _one_line(error: ValueError) -> None:
    if not str(error) or "\n" in str(error) or isinstance(error, UnicodeError):
        raise Finding(f"{type(error).__name__}: {error}") from error


TARGETS: dict[str, Callable[[bytes], None]] = {"csv": fuzz_csv, "model": fuzz_model, "options": fuzz_options}


def seeds(target: str) -> list[bytes]:
    """The corpus and the inputs to start from."""
    found = [file.read_bytes() for file in sorted((CORPUS / target).glob("*"))]
    if target == "csv":
        from tests.robustness.bad_inputs import CASES

        bad = [
            case.content for case in CASES if isinstance(case.content, bytes) and len(case.content) < 20_000
        ]
        return [*found, SEED_TABLE, SEED_TABLE.replace(b",", b";").replace(b".", b","), *bad]
    if target == "model":
        golden = CORPUS.parents[1] / "model_file" / "golden"
        return [*found, *(file.read_bytes() for file in sorted(golden.glob("*/*/*.safetensors")))]
    return [*found, bytes(range(12))]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, cut, doubled, or replaced by tokens that tables and headers are made of."""
    content = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(content) + 1)
        kind = rng.randrange(5)
        if kind == 0 and content:
            content[place % len(content)] = rng.randrange(256)
        elif kind == 1:
            content[place:place] = rng.choice(TOKENS)
        elif kind == 2:
            del content[place : place + rng.randint(1, 20)]
        elif kind == 3:
            content[place:place] = content[place : place + rng.randint(1, 60)]
        else:
            content[place : place + rng.randint(1, 8)] = rng.choice(TOKENS)
    return bytes(content)


SEEN: set[tuple[str, str, int]] = set()
"""Where the findings of this run came from: one input of each is enough."""


def attempt(target: str, data: bytes) -> bool:
    """Run one input; a finding is written to the corpus. Returns whether all was well, or as bad as before."""
    try:
        TARGETS[target](data)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = (type(error).__name__, last.filename, last.lineno or 0)
        if place in SEEN:
            return True
        SEEN.add(place)
        file = CORPUS / target / hashlib.sha256(data).hexdigest()[:16]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        print(f"{target}: {type(error).__name__}: {str(error)[:300]}\n  written to {file}", flush=True)
        return False
    return True


def run_random(target: str, seconds: float, seed: int) -> tuple[int, int]:
    """Random mutations until the time is over: how many inputs, and how many findings."""
    rng, pool, end = random.Random(seed), seeds(target), time.monotonic() + seconds
    tried = found = 0
    while time.monotonic() < end:
        tried += 1
        found += not attempt(target, mutated(rng.choice(pool), rng))
    return tried, found


def cells() -> st.SearchStrategy[str]:
    """What may stand in a cell of a table."""
    usual = st.sampled_from(
        ["1", "-2.5", "0,5", "1e3", "1e308", "1e-320", "9" * 20, "", "NA", "nan", "-inf", "true", "no", "a", "b", "2020-01-31",
         "31.01.2020", "2020-02-30", "007", "=1+1", "\x1b[2J", "<b>", "a,b", 'q"q', "x\ny", " 1 ", "\u00a0", "\u2028", "é"]
    )  # fmt: skip
    numbers = st.one_of(st.integers(-9, 9).map(str), st.floats(allow_nan=True).map(repr))
    return st.one_of(usual, numbers, st.text(max_size=8))


@st.composite
def drawn_tables(draw: st.DrawFn) -> bytes:
    """A file of 1 to 30 rows of 1 to 5 columns, a target among them, in some dialect and encoding, perhaps cut off."""
    width, height = draw(st.integers(1, 5)), draw(st.integers(1, 30))
    names = [*draw(st.lists(cells(), min_size=width - 1, max_size=width - 1)), "y"]
    columns = [
        draw(
            st.lists(
                draw(st.sampled_from([cells(), st.sampled_from(["1", "2", "3.5"])])),
                min_size=height,
                max_size=height,
            )
        )
        for _ in names
    ]
    delimiter, quote = draw(st.sampled_from(",;\t| ")), draw(st.sampled_from("\"'"))
    out = io.StringIO()
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    csv.writer(out, delimiter=delimiter, quotechar=quote, lineterminator=ending).writerows(
        [names, *zip(*columns, strict=True)]
    )
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    data = out.getvalue().encode(encoding, errors="replace")
    return (
        gzip.compress(data)
        if draw(st.booleans()) and draw(st.booleans())
        else data[: draw(st.sampled_from([None, -1, -7]))]
    )


@st.composite
def drawn_models(draw: st.DrawFn) -> bytes:
    """A model file with one value of its header replaced by another, its length kept true or not."""
    whole = draw(st.sampled_from([seed for seed in seeds("model") if len(seed) > 8]))
    size = int.from_bytes(whole[:8], "little")
    try:
        header = json.loads(whole[8 : 8 + size])
    except ValueError:
        return mutated(whole, random.Random(draw(st.integers(0, 1 << 30))))
    place: Any = header
    while isinstance(place, dict | list) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        inside = place[key]
        if not isinstance(inside, dict | list) or not inside or draw(st.booleans()):
            place[key] = draw(
                st.recursive(
                    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
                    lambda one: (
                        st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3)
                    ),
                    max_leaves=5,
                )
            )
            break
        place = inside
    made = json.dumps(header).encode("utf-8", errors="replace")
    told = len(made) + draw(st.sampled_from([0, 0, 0, 1, -1, 1 << 40]))
    return max(0, told).to_bytes(8, "little") + made + whole[8 + size :]


def drawn_options() -> st.SearchStrategy[bytes]:
    """Places in the list of options."""
    return st.lists(st.integers(0, len(OPTIONS) - 1), max_size=12).map(bytes)


DRAWN = {"csv": drawn_tables, "model": drawn_models, "options": drawn_options}


def run_hypothesis(target: str, seconds: float, seed: int, most: int = 1 << 30) -> tuple[int, int]:
    """Draw inputs until the time is over, or so many; the least of a kind that ends badly is the finding."""
    end, tried, worst = time.monotonic() + seconds, 0, [b""]

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=min(most, 200),
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(DRAWN[target]())
    def ends_well(data: bytes) -> None:
        nonlocal tried
        tried += 1
        worst[0] = data
        TARGETS[target](data)

    found = 0
    while time.monotonic() < end and tried < most:
        try:
            hypothesis.seed(seed + tried)(ends_well)()
        except Exception:
            found += not attempt(target, worst[0])  # the last one tried is the one that was shrunk
    return tried, found


def run_guided(target: str, seconds: float, drawn: bool) -> None:
    """atheris, which keeps the inputs that reach new code, or the choices of Hypothesis that do; it ends the process."""
    try:
        import atheris
    except ImportError:
        raise SystemExit("--guided needs atheris: pip install 'taut[fuzz]'") from None
    _instrument(atheris.instrument_func)
    limits = [
        f"-max_total_time={int(seconds)}",
        "-max_len=30000",
        "-timeout=60",
        "-report_slow_units=60",
        "-rss_limit_mb=4096",
    ]
    with tempfile.TemporaryDirectory() as pool:
        for number, seed in enumerate(seeds(target)):
            Path(pool, f"seed{number}").write_bytes(seed)
        # What Python raises is kept by ``attempt``, and the search goes on; crashes and hangs are kept by atheris.
        own = [sys.argv[0], *limits, f"-artifact_prefix={CORPUS / target}/", pool]
        atheris.Setup(own, drawing(target) if drawn else partial(attempt, target))
        atheris.Fuzz()


def drawing(target: str) -> Callable[[bytes], Any]:
    """One input, drawn as the bytes say."""

    @hypothesis.settings(deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(DRAWN[target]())
    def run(data: bytes) -> None:
        attempt(target, data)

    return run.hypothesis.fuzz_one_input  # type: ignore[attr-defined,no-any-return]


def _instrument(instrument: Callable[[Any], Any]) -> None:
    """All of taut but its compiled kernels, whose bytecode numba has to recognise."""
    for module in pkgutil.walk_packages(taut.__path__, "taut."):
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)
    for function in [one for one in gc.get_objects() if isinstance(one, FunctionType)]:
        owner = function.__module__ or ""
        if owner.startswith("taut.") and "._kernels" not in owner:
            instrument(function)


def run_guided_apart(target: str, seconds: float, drawn: bool) -> int:
    """``run_guided`` in a process of its own; returns how many findings came to the corpus."""
    place = CORPUS / target
    place.mkdir(parents=True, exist_ok=True)
    before, end = set(place.iterdir()), time.monotonic() + seconds
    call = [sys.executable, "-m", "scripts.fuzz", target, "--guided", "--alone"]
    call += ["--hypothesis"] if drawn else []
    while (left := end - time.monotonic()) > 1.0:  # a hang or a crash ends the process, not the search
        ended = subprocess.run([*call, "--seconds", str(left)], check=False).returncode
        if ended and set(place.iterdir()) == before:
            raise SystemExit(f"{target}: atheris ended with {ended}")
    return len(set(place.iterdir()) - before)


def main(arguments: Iterable[str] | None = None) -> int:
    """Fuzz the targets in turn, or numbers."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["numeric"]:
        from scripts.numeric_fuzz.run import main as numeric

        return numeric(arguments[1:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="csv|model|options")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--guided", action="store_true", help="mutations that atheris guides to new code")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--hypothesis", action="store_true", help="inputs that Hypothesis draws and shrinks")
    asked = parser.parse_args(arguments)
    targets = [target for target in TARGETS if target in asked.targets] or list(TARGETS)
    if asked.alone:
        run_guided(targets[0], asked.seconds, asked.hypothesis)
    findings = 0
    for target in targets:
        if asked.guided:
            found = run_guided_apart(target, asked.seconds / len(targets), asked.hypothesis)
            findings += found
            print(f"{target}: {found} findings", flush=True)
            continue
        run = run_hypothesis if asked.hypothesis else run_random
        tried, found = run(target, asked.seconds / len(targets), asked.seed)
        findings += found
        print(f"{target}: {tried} inputs, {found} findings (seed {asked.seed})", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
