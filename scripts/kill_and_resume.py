"""Kill a fit at random moments, start it again until it is done, and compare the bits with those of a fit left alone.

    python -m scripts.kill_and_resume 200

Nightly; the tests do the same with ten kills. Every round starts the command anew and kills it with SIGKILL after a
random time, so kills fall into reading, fitting, and the writing of checkpoints and results.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from taut.model_file import read_archive

SHAPES = {
    "network": ("--target", "price", "--hidden", "6", "--cv", "3"),
    "classes": ("--target", "kind", "--cv", "5"),
    "lasso": ("--target", "price", "--cv", "5"),
    "wide": ("--target", "price", "--cv", "5"),
    "wide classes": ("--target", "sold", "--cv", "5"),
}
WIDE = 400
"""Columns of noise that make a table wide."""
FILES = ["model.safetensors", "path.csv", "run.json"]


def command(data: str, out: str, options: tuple[str, ...]) -> None:
    """The command line, writing a checkpoint after every finished part and every state."""
    from taut.cli import main
    from taut.tabular import checkpoint

    checkpoint.SECONDS = 0.0  # type: ignore[attr-defined]
    checkpoint.CheckpointFolder.due = lambda self: True  # type: ignore[method-assign]
    main(["fit", data, *options, "--out", out, "--quiet"])


class Runner:
    """Starts the command in fresh processes that have taut imported already."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["taut.cli.fitting"])

    def start(self, out: Path, shape: str) -> Any:
        """Start the command."""
        process = self.context.Process(target=command, args=(str(self.data), str(out), SHAPES[shape]))
        process.start()
        return process

    def complete(self, out: Path, shape: str) -> float:
        """Run to the end; returns the seconds it took."""
        start = time.perf_counter()
        process = self.start(out, shape)
        process.join()
        if process.exitcode != 0:
            raise AssertionError(f"the fit ended with {process.exitcode}")
        return time.perf_counter() - start

    def kill_after(self, out: Path, shape: str, seconds: float) -> bool:
        """Kill the run after that time; False where it was done before."""
        process = self.start(out, shape)
        process.join(seconds)
        alive = process.exitcode is None
        process.kill()
        process.join()
        return alive


def bits(out: Path) -> dict[str, bytes]:
    """Everything in the model but the seconds that it took."""
    archive = read_archive(out / "model.safetensors")
    tensors = {name: np.ascontiguousarray(value).tobytes() for name, value in archive.tensors.items()}
    seconds = archive.tensors["spread.numbers"].copy()
    seconds[-1] = 0.0
    return {**tensors, "spread.numbers": seconds.tobytes(), "document": repr(archive.document).encode()}


def check(out: Path, expected: dict[str, bytes]) -> None:
    """The folder holds a whole fit, nothing else, with the expected bits."""
    found = sorted(place.name for place in out.iterdir())
    if found != FILES:
        raise AssertionError(f"{out} holds {found}")
    if bits(out) != expected:
        raise AssertionError(f"{out}: other bits than those of the fit that was left alone")


def kills(data: Path, folder: Path, shape: str, count: int, seed: int) -> int:
    """Kill ``count`` times, and let the fit end whenever it survives or has been killed three times running."""
    runner, rng = Runner(data), np.random.default_rng(seed)
    runner.complete(folder / "warm", shape)  # kernels compiled and cached
    length = runner.complete(folder / "alone", shape)
    expected = bits(folder / "alone")
    done = rounds = 0
    while done < count:
        out, rounds = folder / f"out{rounds}", rounds + 1
        for _ in range(min(3, count - done)):
            if not runner.kill_after(out, shape, float(rng.uniform(0.02, length))):
                break
            done += 1
        runner.complete(out, shape)
        check(out, expected)
    return rounds


def tables(folder: Path) -> dict[str, Path]:
    """The table that each shape is fitted to."""
    import polars as pl

    from tests.tables import table

    narrow = table()
    noise = np.random.default_rng(0).standard_normal((WIDE, len(narrow)))
    wide = narrow.with_columns(pl.DataFrame({f"noise{j}": row for j, row in enumerate(noise)}))
    narrow.write_csv(folder / "narrow.csv")
    wide.write_csv(folder / "wide.csv")
    return {shape: folder / ("wide.csv" if "wide" in shape else "narrow.csv") for shape in SHAPES}


def main() -> None:
    """Kill each shape of fit a share of the asked number of times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    asked = parser.parse_args()
    share = -(-asked.count // len(SHAPES))
    with tempfile.TemporaryDirectory() as scratch:
        for shape, data in tables(Path(scratch)).items():
            rounds = kills(data, Path(scratch, shape), shape, share, asked.seed)
            print(f"{shape}: {share} kills in {rounds} fits, all bits equal (seed {asked.seed})", flush=True)


if __name__ == "__main__":
    main()
