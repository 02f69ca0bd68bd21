"""The one command: every workload, taut and the peers at both gaps, one core, one sitting; then the report.

python -m benchmarks [--only w1,w3] [--tools taut,adelie] [--repeats 3] [--scale 1] [--tune]
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import report, tune
from benchmarks.launch import Machine, Row, measure, prepare
from benchmarks.problem import Problem
from benchmarks.real import REAL
from benchmarks.tools import HERE, PEERS, TAUT, TOOLS, Tool, default_environments
from benchmarks.workloads import WORKLOADS, Workload


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help="workloads, separated by commas; default all")
    parser.add_argument("--tools", default="", help="tools, separated by commas; default all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--box", type=float, default=10.0, help="seconds that the repeats of one measurement may take"
    )
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that one process may take")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to pin to")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the synthetic workloads")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--clock", choices=("seconds", "cpu_seconds"), default="seconds", help="what the report shows"
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=INTERPRETER",
        help="adelie, peers, scikit-learn, taut, r",
    )
    parser.add_argument("--tune", action="store_true", help="find the peers' settings instead of comparing")
    return parser.parse_args()


def _named(names: str, things: tuple[Any, ...]) -> tuple[Any, ...]:
    """The things asked for; all of them for an empty list."""
    wanted = [name for name in names.split(",") if name]
    unknown = set(wanted) - {thing.name for thing in things}
    if unknown:
        raise SystemExit(
            f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(thing.name for thing in things)}"
        )
    return tuple(thing for thing in things if not wanted or thing.name in wanted)


def _machine(arguments: argparse.Namespace) -> Machine:
    environments = default_environments() | dict(entry.split("=", 1) for entry in arguments.env)
    work = Path(os.environ.get("TAUT_BENCHMARK_WORK", HERE / ".work"))
    return Machine(environments, arguments.core, arguments.repeats, arguments.box, arguments.limit, work)


def tuned_settings(tuned: dict[str, Any]) -> list[dict[str, Any]]:
    """The distinct settings of one peer on one workload."""
    settings = [
        {key: value for key, value in chosen.items() if key in ("method", "tol")}
        for chosen in tuned.values()
        if chosen
    ]
    return [setting for index, setting in enumerate(settings) if setting and setting not in settings[:index]]


def hopeless(tuned: dict[str, dict[str, Any]], tool: Tool) -> bool:
    """Whether the tuning showed that a peer is too slow to be worth running again."""
    chosen = {name: settings.get("1e-04") or {} for name, settings in tuned.items()}
    reached = [each["seconds"] for each in chosen.values() if each.get("gap", 1.0) <= max(tune.TARGETS)]
    own = chosen.get(tool.name, {}).get("seconds", 0.0)
    return own > tune.PATIENCE and own > tune.SLOW * min(reached, default=float("inf"))


def settings_of(tool: Tool, problem: Problem, tuned: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """taut is asked for each gap; a peer runs its tuned settings."""
    if tool is TAUT:
        return [{"method": method, "tol": gap} for method in TAUT.methods(problem) for gap in tune.TARGETS]
    return [] if hopeless(tuned, tool) else tuned_settings(tuned.get(tool.name, {}))


def compare(machine: Machine, tools: tuple[Tool, ...], name: str, problem: Problem) -> list[Row]:
    """Measure one workload, every tool in turn."""
    tuned, rows = tune.load().get(name, {}), []
    for tool in tools:
        for setting in settings_of(tool, problem, tuned):
            rows.append(measure(machine, tool, name, problem, setting))
            print(report.line(rows[-1]), flush=True)
    return rows


def store(rows: list[Row], folder: Path, arguments: argparse.Namespace) -> None:
    """Replace the rows of this workload and these tools in ``results.json``, then write the report again."""
    results = folder / "results.json"
    kept = json.loads(results.read_text())["rows"] if results.exists() else []
    fresh = {(row.workload, row.tool) for row in rows}
    kept = [row for row in kept if (row["workload"], row["tool"]) not in fresh]
    about = report.machine_facts() | {
        "core": arguments.core,
        "repeats": arguments.repeats,
        "scale": arguments.scale,
    }
    content = {"about": about, "rows": kept + [asdict(row) for row in rows]}
    results.write_text(json.dumps(content, indent=1) + "\n")
    report.write(results, arguments.clock)


def _one(
    workload: Workload, machine: Machine, tools: tuple[Tool, ...], arguments: argparse.Namespace
) -> None:
    try:
        problem = workload.build(arguments.scale, arguments.seed)
    except FileNotFoundError as missing:
        print(f"{workload.name}: skipped, {missing.filename} is not there")
        return
    prepare(machine, workload.name, problem)
    print(f"{workload.name}: {workload.title}", flush=True)
    if arguments.tune:
        tune.tune(machine, tuple(tool for tool in tools if tool in PEERS), workload.name, problem)
    else:
        folder = HERE if arguments.scale == 1 else machine.work
        store(compare(machine, tools, workload.name, problem), folder, arguments)


def main() -> None:
    arguments = _arguments()
    machine, tools = _machine(arguments), _named(arguments.tools, TOOLS)
    for workload in _named(arguments.only, WORKLOADS + REAL):
        _one(workload, machine, tools, arguments)
