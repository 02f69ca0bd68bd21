"""Fuzz the way from a file to a fit, the model loader and the options; what it finds goes to tests/corpus.

    python -m scripts.fuzz [csv|model|options ...] [--seconds 600]

Nightly. Every input must end in a result or in one of the errors that taut promises (DataError, ModelFileError,
ValueError, or a usage error of the command line): anything else, a traceback, a hang or a crash, is a finding. Inputs are
mutations of the corpus and of the inputs below, guided by coverage where atheris is installed, random otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from click.testing import CliRunner

import taut
from taut.cli import main as command_line

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "corpus"
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
        from tests.bad_inputs import CASES

        bad = [
            case.content for case in CASES if isinstance(case.content, bytes) and len(case.content) < 20_000
        ]
        return [*found, SEED_TABLE, SEED_TABLE.replace(b",", b";").replace(b".", b","), *bad]
    if target == "model":
        golden = CORPUS.parent / "golden"
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


def attempt(target: str, data: bytes) -> bool:
    """Run one input; a finding is written to the corpus. Returns whether all was well."""
    try:
        TARGETS[target](data)
    except Exception as error:
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


def run_guided(target: str, seconds: float) -> None:
    """atheris, which keeps the inputs that reach new code."""
    import atheris

    atheris.instrument_all()
    found = CORPUS / target
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as pool:
        for number, seed in enumerate(seeds(target)):
            Path(pool, f"seed{number}").write_bytes(seed)
        limits = [f"-max_total_time={int(seconds)}", "-max_len=30000", f"-artifact_prefix={found}/"]
        atheris.Setup([sys.argv[0], *limits, pool], TARGETS[target])
        atheris.Fuzz()


def main(arguments: Iterable[str] | None = None) -> int:
    """Fuzz the targets in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="csv|model|options")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--guided", action="store_true", help="coverage-guided, one target, with atheris")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    targets = [target for target in TARGETS if target in asked.targets] or list(TARGETS)
    if asked.guided:
        run_guided(targets[0], asked.seconds)
        return 0
    findings = 0
    for target in targets:
        tried, found = run_random(target, asked.seconds / len(targets), asked.seed)
        findings += found
        print(f"{target}: {tried} inputs, {found} findings (seed {asked.seed})", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
