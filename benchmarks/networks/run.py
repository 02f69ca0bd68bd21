"""Networks: what a step costs, and what 20 λ × 5 folds cost at equal accuracy; writes results.json and results.md.

    python -m benchmarks.networks.run [--only digits,diabetes] [--core 0] [--env lassonet=/path/to/python]

Single fits are timed over many epochs and divided by the steps. Paths are run at a ladder of epochs per λ, on small sets
from ``SEEDS`` seeds each, for the best held-out loss differs more between seeds than between tools. Each run of a peer is
compared with the quickest run of taut that is at least as good as it in the sum of penalised objectives and in the best
held-out loss, both within ``SLACK``. LassoNet has an environment of its own (``environments.sh``).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.launch import ROOT, THREADS
from benchmarks.networks.problem import FOLDS, PROBLEMS, STRENGTHS, Problem, judge, write
from benchmarks.report import machine_facts, number
from benchmarks.tools import ENVIRONMENTS

HERE = Path(__file__).resolve().parent
SLACK = 1.02
SEEDS = 8
SMALL, WIDE = 5_000, 100
"""Sets with more rows get one seed and two steps of a ladder: there held-out losses are averages over many rows. With
more columns, too, one step, and no loops over λ and folds, which take an hour."""
SINGLES = (
    ("taut", "taut", "single"),
    ("JAX, compiled scan", "jax", "single"),
    ("scikit-learn MLP (L2)", "scikit_learn", "single"),
    ("PyTorch, weight_decay", "pytorch", "single, weight_decay"),
    ("PyTorch, L1 in the loss", "pytorch", "single"),
    ("Keras on JAX, L1", "keras", "single"),
)
PATHS = (
    ("taut", "taut", "path", (1, 2, 3, 5, 20)),
    ("taut, no full-batch steps", "taut", "path, finish 0", (2, 5, 8)),
    ("taut, rate 0.003", "taut", "path, rate 0.003", (10, 20)),
    ("JAX, vmap", "jax", "vmap", (20, 80)),
    ("PyTorch, stacked and warm", "pytorch", "stacked", (10, 20, 40)),
    ("PyTorch, loop", "pytorch", "loop", (20,)),
    ("scikit-learn MLP (L2), loop", "scikit_learn", "loop", (20,)),
    ("Keras on JAX, loop", "keras", "loop", (20,)),
)
SELECTIONS = (("taut, group lasso", "taut", "select"), ("LassoNet", "lassonet", "select"))
TOOLS = [name for name, *_ in (*SINGLES, *PATHS, *SELECTIONS)]
COUNTS = (8, 16, 24, 32, 48, 64)
"""How many inputs a path may read for the accuracies in the table."""


@dataclass(frozen=True)
class Row:
    """One measurement: seconds a run, µs a step for a single fit, accuracy for a path."""

    problem: str
    tool: str
    epochs: int
    seconds: float = float("inf")
    cpu_seconds: float = float("inf")
    per_step: float | None = None
    objective: float | None = None
    held_out: float | None = None
    inputs: list[int] | None = None
    accuracy: list[float] | None = None
    failure: str = ""


def _run(
    tool: str, module: str, method: str, epochs: int, name: str, problem: Problem, options: argparse.Namespace
) -> Row:
    folder, out = HERE / ".work" / name, HERE / ".work" / f"{name}.out"
    shutil.rmtree(out, ignore_errors=True)
    seeds = SEEDS if len(problem.y) < SMALL and not method.startswith(("single", "select")) else 1
    environments = dict(entry.split("=", 1) for entry in options.env)
    own = ENVIRONMENTS / module / "bin" / "python"
    python = environments.get(module, str(own) if own.exists() else sys.executable)
    command = [python, "-m", f"benchmarks.networks.runners.{module}"]
    command = ["taskset", "-c", str(options.core), *command, str(folder), str(out)]
    paths = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(
            [*command, "--method", method, "--epochs", str(epochs), "--seeds", str(seeds)],
            cwd=ROOT, env=environment, capture_output=True,
            text=True, timeout=options.limit, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Row(name, tool, epochs, failure=f"over {options.limit:.0f} s")
    if done.returncode:
        return Row(name, tool, epochs, failure=(done.stderr.strip().splitlines() or ["no message"])[-1])
    taken = json.loads((out / "measurement.json").read_text())
    row = Row(name, tool, epochs, taken["seconds"], taken["cpu_seconds"])
    solutions = np.load(out / "solutions.npy")
    if method == "select":
        return replace(row, inputs=taken["inputs"], accuracy=taken["accuracy"])
    if method.startswith("single"):
        return Row(**(asdict(row) | {"per_step": 1e6 * row.cpu_seconds / (epochs * problem.steps)}))
    if not solutions.size:
        return row
    found = [judge(problem, each) for each in (solutions if seeds > 1 else [solutions])]
    objective, held_out = (float(np.mean(values)) for values in zip(*found, strict=True))
    return Row(**(asdict(row) | {"objective": objective, "held_out": held_out}))


def measure(name: str, problem: Problem, options: argparse.Namespace) -> list[Row]:
    """Every tool on one set."""
    write(problem, HERE / ".work" / name)
    epochs, rows = max(3, 6_000 // problem.steps), []
    plans = [(tool, module, method, epochs) for tool, module, method in SINGLES]
    wide = problem.X.shape[1] > WIDE
    for tool, module, method, ladder in PATHS:
        few = ladder if len(problem.y) < SMALL or module == "taut" else ladder[: 1 if wide else 2]
        plans += [(tool, module, method, each) for each in few if not (wide and method == "loop")]
    if name == "digits":
        plans += [(tool, module, method, 20) for tool, module, method in SELECTIONS]
    for tool, module, method, each in plans:
        if options.tools and not any(word in tool for word in options.tools.split(",")):
            continue
        if options.steps and not method.startswith("single"):
            continue
        rows.append(_run(tool, module, method, each, name, problem, options))
        print({k: v for k, v in asdict(rows[-1]).items() if v not in (None, "")}, flush=True)
    return rows


def _steps(rows: list[Row]) -> list[str]:
    names = list(dict.fromkeys(row.problem for row in rows))
    lines = ["## One step", "", "Processor time in µs per mini-batch step of one fit, float32, one core.", ""]
    lines += [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for tool, *_ in SINGLES:
        cells = [
            next((r for r in rows if (r.problem, r.tool) == (n, tool) and r.per_step), None) for n in names
        ]
        lines.append(
            f"| {tool} | {' | '.join('–' if c is None else number(c.per_step or 0) for c in cells)} |"
        )
    return lines


def _paths(rows: list[Row]) -> list[str]:
    lines = ["", f"## {STRENGTHS} λ × {FOLDS} folds", ""]
    lines += [
        "Processor seconds. *equal*: the time of the quickest run of taut with ΣF and held-out loss at least as good (within"
        f" {SLACK - 1:.0%})",
        "over the tool's; – where no run is. *there*: whether the tool had by then reached taut's run of 20 epochs.",
        f"Sets of fewer than {SMALL:,} rows: means over {SEEDS} seeds of first weights and mini-batches,"
        " the median of their seconds.",
        "",
        "| set | tool | epochs per λ | seconds | ΣF | best held-out loss | equal | there |",
        "|---|---|---|---|---|---|---|---|",
    ]
    judged = [row for row in rows if row.per_step is None and row.inputs is None]
    for row in judged:
        lines.append(
            _line(row, [r for r in judged if r.problem == row.problem and r.tool.startswith("taut")])
        )
    return lines


def _selections(rows: list[Row]) -> list[str]:
    """The best accuracy of each path among its points that read at most so many inputs."""
    found = [row for row in rows if row.inputs is not None and row.accuracy is not None]
    lines = ["", "## Selecting inputs: digits, one fold, about 20 λ of 20 epochs", ""]
    lines += [
        "Processor seconds, and the best accuracy on held-out rows with at most so many of the 64 inputs.",
        "",
    ]
    lines += [
        f"| tool | seconds | λ | {' | '.join(map(str, COUNTS))} |",
        "|---|---|---|" + "---|" * len(COUNTS),
    ]
    for row in found:
        points = list(zip(row.inputs or [], row.accuracy or [], strict=True))
        best = [max((right for read, right in points if read <= most), default=None) for most in COUNTS]
        cells = ["–" if each is None else f"{each:.3f}" for each in best]
        lines.append(f"| {row.tool} | {number(row.cpu_seconds)} | {len(points)} | {' | '.join(cells)} |")
    return lines


def _line(row: Row, own: list[Row]) -> str:
    head = f"| {row.problem} | {row.tool} | {row.epochs} |"
    if row.failure or not own:
        return f"{head} {row.failure or 'taut is missing'} | | | | |"
    # A peer that penalises squares minimises another F: its held-out loss alone is compared.
    squares = "L2" in row.tool
    objective = "–" if squares else number(row.objective or 0)
    line = f"{head} {number(row.cpu_seconds)} | {objective} | {row.held_out:.4f} |"
    if row.tool.startswith("taut"):
        return f"{line} | |"
    equal = [each.cpu_seconds for each in own if _as_good(each, row, squares)]
    ratio = f"{min(equal) / row.cpu_seconds:.3f}" if equal else "–"
    longest = max(own, key=lambda each: each.epochs)
    return f"{line} {ratio} | {'yes' if _as_good(row, longest, squares) else 'no'} |"


def _as_good(row: Row, other: Row, squares: bool) -> bool:
    """Whether ``row`` is as accurate as ``other`` within ``SLACK``."""
    held = (row.held_out or np.inf) <= SLACK * (other.held_out or 0)
    return held and (squares or (row.objective or np.inf) <= SLACK * (other.objective or 0))


def report(content: dict[str, Any]) -> str:
    """The results as one page."""
    rows = [Row(**row) for row in content["rows"]]
    facts = ", ".join(f"{key} {value}" for key, value in content["about"].items())
    top = [
        "# Benchmark of networks",
        "",
        "Written by `python -m benchmarks.networks.run`; do not edit.",
        "",
        facts,
        "",
    ]
    top += [
        "On a shared machine: read ratios between 0.6 and 1.6 as ties.",
        "",
    ]
    return "\n".join([*top, *_steps(rows), *_paths(rows), *_selections(rows)]) + "\n"


def _measured(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a later run of the same takes the place of."""
    return row["problem"], row["tool"], row["per_step"] is None


def _place(row: dict[str, Any]) -> tuple[int, int]:
    return list(PROBLEMS).index(row["problem"]), TOOLS.index(row["tool"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks.run", description=__doc__)
    parser.add_argument("--only", default="", help="sets, separated by commas; default all")
    parser.add_argument(
        "--tools", default="", help="words in the tools' names, separated by commas; default all"
    )
    parser.add_argument("--steps", action="store_true", help="single fits alone")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to pin to")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that one process may take")
    parser.add_argument("--env", action="append", default=[], metavar="RUNNER=INTERPRETER")
    options = parser.parse_args()
    file = HERE / "results.json"
    content = json.loads(file.read_text()) if file.exists() else {"rows": []}
    wanted = [name for name in options.only.split(",") if name]
    for name, make in PROBLEMS.items():
        if wanted and name not in wanted:
            continue
        fresh = measure(name, make(), options)
        done = {_measured(asdict(row)) for row in fresh}
        kept = [row for row in content["rows"] if _measured(row) not in done and row["tool"] in TOOLS]
        rows = sorted([*kept, *map(asdict, fresh)], key=_place)
        content = {"about": machine_facts(), "rows": rows}
        file.write_text(json.dumps(content, indent=1) + "\n")
        (HERE / "results.md").write_text(report(content))


if __name__ == "__main__":
    main()
