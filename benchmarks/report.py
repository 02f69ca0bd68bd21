"""Turns ``results.json`` into ``results.md``, the quoted ``figures.json`` and the chart ``speed.svg``."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import chart, tune
from benchmarks.launch import Row
from benchmarks.real import REAL
from benchmarks.tools import HERE, PEERS, TAUT, TOOLS
from benchmarks.workloads import WORKLOADS, Workload

TIE = (0.6, 1.6)
INTRODUCTION = """# Benchmark of the linear engine

Written by `python -m benchmarks`; do not edit. How it is done: [README.md](README.md).

100 λ a path, no intercept, the same arrays for every tool. *Seconds* are the least of the repeats, one core,
without import, loading and just-in-time compilation. *Gap* is the largest relative duality gap along the path
(worst fold of a cross-validation), computed by one function ([gap.py](gap.py)) from the returned
coefficients; for `w7loo` it is the largest relative error of the leave-one-out curve. Each peer runs at the
method and tolerance, found by `--tune`, that reach the gap soonest. **≥** marks a tool that reached the gap
at no tolerance: the closest it came is shown. Ratios between 0.6 and 1.6 are ties.
"""


@dataclass(frozen=True)
class Cell:
    """The best of one tool on one workload for one target gap."""

    seconds: float
    gap: float
    setting: dict[str, Any]
    reached: bool
    memory: int

    def text(self) -> str:
        return f"{'' if self.reached else '≥ '}{number(self.seconds)} ({self.gap:.0e})"


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def line(row: Row) -> str:
    """One measurement for the terminal."""
    if row.failure:
        return f"  {row.tool:13} {row.setting} failed: {row.failure}"
    times = f"{number(row.seconds)} s (processor {number(row.cpu_seconds)})"
    return f"  {row.tool:13} {times}, gap {row.gap:.1e}, {row.memory / 1e6:.0f} MB, {row.setting}"


def machine_facts() -> dict[str, Any]:
    """What the numbers depend on."""
    info = Path("/proc/cpuinfo")
    models = (
        [
            text.split(":")[1].strip()
            for text in info.read_text().splitlines()
            if text.startswith("model name")
        ]
        if info.exists()
        else []
    )
    packages = {name: version(name) for name in ("numpy", "scipy", "numba")}
    return {
        "date": date.today().isoformat(),
        "processor": models[0] if models else platform.machine(),
        "python": platform.python_version(),
    } | packages


def cell(rows: list[Row], target: float, clock: str) -> Cell | None:
    """The fastest row that meets the target, else the one that came closest."""
    done = [row for row in rows if not row.failure]
    met = [row for row in done if row.gap <= target]
    if not done:
        return None
    best = min(met, key=lambda row: getattr(row, clock)) if met else min(done, key=lambda row: row.gap)
    return Cell(getattr(best, clock), best.gap, best.setting, bool(met), best.memory)


def _cells(rows: list[Row], workload: str, target: float, clock: str) -> dict[str, Cell]:
    found = {
        tool.name: cell([r for r in rows if (r.workload, r.tool) == (workload, tool.name)], target, clock)
        for tool in TOOLS
    }
    return {name: value for name, value in found.items() if value is not None}


def fastest_peer(cells: dict[str, Cell]) -> tuple[str, Cell] | None:
    """The fastest peer among those that reached the gap; where none did, the one that came closest."""
    peers = {name: value for name, value in cells.items() if name != TAUT.name}
    reached = {name: value for name, value in peers.items() if value.reached}
    if reached:
        return min(reached.items(), key=lambda item: item[1].seconds)
    return min(peers.items(), key=lambda item: item[1].gap) if peers else None


def quoted(rows: list[Row], clock: str) -> dict[str, dict[str, Any]]:
    """Per workload and gap: taut's seconds, the fastest peer's, and their ratio (above 1: taut is faster)."""
    figures: dict[str, dict[str, Any]] = {}
    for workload in WORKLOADS + REAL:
        for target in tune.TARGETS:
            cells = _cells(rows, workload.name, target, clock)
            own, peer = cells.get(TAUT.name), fastest_peer(cells)
            if own is None or peer is None:
                continue
            entry = {
                "taut": own.seconds,
                "taut_reached": own.reached,
                "peer": peer[0],
                "peer_seconds": peer[1].seconds,
            }
            entry |= {"peer_reached": peer[1].reached, "ratio": peer[1].seconds / own.seconds}
            figures.setdefault(workload.name, {})[f"{target:.0e}"] = entry
    return figures


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _verdict(ratio: float) -> str:
    return "tie" if TIE[0] <= ratio <= TIE[1] else "faster" if ratio > 1 else "slower"


def _summary_row(workload: Workload, target: str, entry: dict[str, Any]) -> list[str]:
    own = f"{'' if entry['taut_reached'] else '≥ '}{number(entry['taut'])}"
    peer = f"{entry['peer']} {'' if entry['peer_reached'] else '≥ '}{number(entry['peer_seconds'])}"
    ratio = f"{'' if entry['peer_reached'] else '≥ '}{number(entry['ratio'])}"
    return [workload.name, workload.title, target, own, peer, ratio, _verdict(entry["ratio"])]


def _summary(figures: dict[str, dict[str, Any]]) -> str:
    rows = [
        _summary_row(workload, target, entry)
        for workload in WORKLOADS + REAL
        for target, entry in figures.get(workload.name, {}).items()
    ]
    if not rows:
        return ""
    ratios = [
        entry["ratio"] for entries in figures.values() for entry in entries.values() if entry["taut_reached"]
    ]
    mean = (
        f"\nGeometric mean of the ratios: {number(float(np.exp(np.mean(np.log(ratios)))))}.\n"
        if ratios
        else ""
    )
    header = ["", "workload", "gap", "taut, s", "fastest peer, s", "ratio", ""]
    return "## taut against the fastest peer\n\n" + _table(header, rows) + mean


def _missing(workload: str, tool: str, rows: list[Row]) -> str:
    """Why a tool has no measurement: it failed, or the tuning showed that it is far too slow."""
    failures = {row.failure for row in rows if row.workload == workload and row.tool == tool and row.failure}
    chosen = tune.load().get(workload, {}).get(tool, {}).get("1e-04")
    if failures or not chosen:
        return ", ".join(sorted(failures))
    if "failure" in chosen:
        return f"{chosen['failure']} when tuned"
    return f"not run again: {number(chosen['seconds'])} s at gap {chosen['gap']:.0e} when tuned"


def _describe(setting: dict[str, Any]) -> str:
    return ", ".join(f"{value:.0e}" if isinstance(value, float) else str(value) for value in setting.values())


def _detail(rows: list[Row], workload: Workload, clock: str) -> str:
    by_target = [_cells(rows, workload.name, target, clock) for target in tune.TARGETS]
    lines = []
    for tool in TOOLS:
        cells = [cells[tool.name] for cells in by_target if tool.name in cells]
        if cells:
            settings = " → ".join(dict.fromkeys(_describe(one.setting) for one in cells))
            lines.append(
                [
                    tool.name,
                    *(one.text() for one in cells),
                    f"{max(one.memory for one in cells) / 1e6:.0f}",
                    settings,
                ]
            )
        elif reason := _missing(workload.name, tool.name, rows):
            lines.append([tool.name, reason, "", "", ""])
    header = ["", "gap 1e-4: s (gap)", "gap 1e-6: s (gap)", "memory beyond X, MB", "method, tolerance"]
    return f"### {workload.name}: {workload.title}\n\n{_table(header, lines)}" if lines else ""


def _extra(name: str, title: str, explain: str) -> str:
    """A table of ``scaling.json`` or ``compile_time.json``, where it has been measured."""
    path = HERE / f"{name}.json"
    if not path.exists():
        return ""
    entries = json.loads(path.read_text())
    return f"## {title}\n\n{explain}\n\n" + _table(
        list(entries[0]), [[str(value) for value in entry.values()] for entry in entries]
    )


def _versions(rows: list[Row]) -> str:
    versions = {row.tool: row.version for row in rows if row.version}
    return ", ".join(f"{tool.name} {versions[tool.name]}" for tool in (TAUT, *PEERS) if tool.name in versions)


def _about(about: dict[str, Any], rows: list[Row], clock: str) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in about.items())
    ratios = [row.seconds / row.cpu_seconds for row in rows if row.cpu_seconds > 0.05 and not row.failure]
    calm = (
        f"Wall over processor time: median {np.median(ratios):.2f}, at most {max(ratios):.2f}."
        if ratios
        else ""
    )
    shown = {
        "seconds": "Wall time is shown.",
        "cpu_seconds": "Processor time is shown (the machine was shared).",
    }[clock]
    return f"{facts}. {_versions(rows)}. {shown} {calm}\n"


def write(results: Path, clock: str = "seconds") -> None:
    """Write ``results.md``, ``figures.json`` and ``speed.svg`` beside ``results``."""
    content = json.loads(results.read_text())
    rows = [Row(**row) for row in content["rows"]]
    figures = quoted(rows, clock)
    sections = [
        INTRODUCTION,
        _about(content["about"], rows, clock),
        _summary(figures),
        *(_detail(rows, workload, clock) for workload in WORKLOADS + REAL),
        _extra(
            "scaling",
            "How time grows",
            "Slope of log time on log size, the other sizes held; `python -m benchmarks.scaling`.",
        ),
        _extra(
            "compile_time",
            "Start-up",
            "Seconds of new processes, processor time in brackets; `python -m benchmarks.compile_time`.",
        ),
    ]
    results.with_suffix(".md").write_text("\n".join(section for section in sections if section))
    (results.parent / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    (results.parent / "speed.svg").write_text(chart.draw(figures))
