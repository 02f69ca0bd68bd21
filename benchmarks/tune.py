"""Tunes the peers: the fastest method and tolerance that meet each gap, kept in ``settings.json``.

For every method the ladder of tolerances is climbed in decades from the loosest until the gap is at most
1e-6 or no longer falls, or until it takes longer than another method of the same tool that is done already;
the last step before each target is then tried three times looser.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.launch import Machine, Row, measure
from benchmarks.problem import Problem
from benchmarks.tools import HERE, Tool

TARGETS = (1e-4, 1e-6)
SETTINGS = HERE / "settings.json"
DIRECT = ("cholesky", "svd")
"""Methods without a tolerance."""
SLOW, PATIENCE, STARTUP = 10.0, 15.0, 20.0
"""A peer is given up at ``SLOW`` times the fastest's time, but not before ``PATIENCE`` seconds."""
Tuned = dict[str, dict[str, dict[str, Any]]]


def load() -> Tuned:
    """Tuned settings by workload, tool and target."""
    return json.loads(SETTINGS.read_text()) if SETTINGS.exists() else {}


def save(tuned: Tuned, path: Path = SETTINGS) -> None:
    path.write_text(json.dumps(tuned, indent=1, sort_keys=True) + "\n")


@dataclass(frozen=True)
class Case:
    """One prepared workload on the machine."""

    machine: Machine
    name: str
    problem: Problem

    def measure(self, tool: Tool, setting: dict[str, Any]) -> Row:
        row = measure(self.machine, tool, self.name, self.problem, setting)
        times = f"{row.cpu_seconds:.3g} s, gap {row.gap:.2g} {row.failure}"
        print(f"  {row.tool} {row.setting}: {times}", flush=True)
        return row

    def limited(self, best: float) -> Case:
        """Less time for a tool that is sure to lose against ``best`` seconds."""
        limit = min(self.machine.limit, STARTUP + max(PATIENCE, SLOW * best))
        return replace(self, machine=replace(self.machine, limit=limit))


def climb(case: Case, tool: Tool, method: str, rival: float) -> list[Row]:
    """One decade after the other until the tightest target is met, nothing improves, or time is up.

    ``rival`` is the time in which another method of the tool has met the tightest target.
    """
    rows: list[Row] = []
    for decade in tool.ladder:
        rows.append(case.measure(tool, {"method": method, "tol": 10.0**-decade}))
        met = rows[-1].gap <= min(TARGETS)
        if met or rows[-1].failure or rows[-1].cpu_seconds > rival or _stuck([row.gap for row in rows]):
            break
    return rows


def _stuck(gaps: list[float], patience: int = 3) -> bool:
    """Whether the last decades brought nothing (gaps need not fall in every one)."""
    return len(gaps) > patience and min(gaps[-patience:]) >= 0.9 * min(gaps[:-patience]) and min(gaps) < 1e-2


def refine(case: Case, tool: Tool, rows: list[Row]) -> list[Row]:
    """Three times looser than the first row that meets each target."""
    first = {target: next((row for row in rows if row.gap <= target), None) for target in TARGETS}
    looser = {
        float(f"{3 * row.setting['tol']:.0e}")
        for row in first.values()
        if row is not None and row.seconds > 0.02
    }
    return [case.measure(tool, rows[0].setting | {"tol": tol}) for tol in sorted(looser)]


def candidates(case: Case, tool: Tool) -> list[Row]:
    """Every row that was measured for one tool."""
    rows: list[Row] = []
    for method in tool.methods(case.problem):
        if method in DIRECT:
            rows.append(case.measure(tool, {"method": method}))
            continue
        climbed = climb(case, tool, method, fastest(rows, min(TARGETS)))
        rows += climbed + refine(case, tool, climbed)
    return rows


def fastest(rows: list[Row], target: float) -> float:
    """Seconds of the fastest row that meets the target; infinite where none does."""
    return min((row.cpu_seconds for row in rows if row.gap <= target), default=float("inf"))


def choose(rows: list[Row], target: float) -> dict[str, Any] | None:
    """The fastest row that meets the target, else the one with the least gap, else why all failed."""
    done = [row for row in rows if not row.failure]
    if not done:
        return {"failure": rows[0].failure} if rows else None
    met = [row for row in done if row.gap <= target]
    best = min(met, key=lambda row: row.cpu_seconds) if met else min(done, key=lambda row: row.gap)
    return best.setting | {"seconds": round(best.cpu_seconds, 4), "gap": float(f"{best.gap:.2g}")}


def tune(machine: Machine, tools: tuple[Tool, ...], name: str, problem: Problem) -> None:
    """Tune every tool on one prepared workload and store the outcome after each."""
    case, best = Case(replace(machine, repeats=2, box=1.0), name, problem), float("inf")
    for tool in tools:
        rows = candidates(case.limited(best), tool)
        best = min(best, fastest(rows, max(TARGETS)))
        tuned = load()
        chosen = {f"{target:.0e}": choose(rows, target) for target in TARGETS} if rows else {}
        tuned.setdefault(name, {})[tool.name] = chosen
        save(tuned)
        print(name, tool.name, chosen, flush=True)
