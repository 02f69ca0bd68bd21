"""Starts one runner on one core in its tool's own environment and certifies what comes back."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import gap
from benchmarks.problem import Problem, write
from benchmarks.runners.protocol import read_fits
from benchmarks.tools import HERE, Tool, default_environments

ROOT = HERE.parent
THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "VECLIB_MAXIMUM_THREADS"),
)


PATIENCE = 10
"""A process that took this many times its limit of processor time in wall time is stopped as well."""


@dataclass(frozen=True)
class Machine:
    """Where and how long: interpreters, the core, repeats, seconds the repeats and a process may take."""

    environments: dict[str, str] = field(default_factory=default_environments)
    core: int = 0
    repeats: int = 3
    box: float = 10.0
    limit: float = 300.0
    work: Path = HERE / ".work"


@dataclass(frozen=True)
class Row:
    """One measurement: the least seconds of the repeats; ``gap`` is the certificate (or a curve's error)."""

    workload: str
    tool: str
    setting: dict[str, Any]
    seconds: float = float("inf")
    cpu_seconds: float = float("inf")
    gap: float = float("inf")
    memory: int = 0
    version: str = ""
    failure: str = ""


def prepare(machine: Machine, name: str, problem: Problem) -> Path:
    """Write the problem where the runners read it."""
    folder = machine.work / name
    for stale in folder.glob("*.npy"):
        stale.unlink()
    write(problem, folder)
    return folder


def _command(machine: Machine, tool: Tool, folder: Path, out: Path, setting: dict[str, Any]) -> list[str]:
    interpreter = machine.environments[tool.environment]
    script = (
        [str(HERE / "runners" / tool.runner)]
        if tool.runner.endswith(".R")
        else ["-m", f"benchmarks.runners.{tool.runner}"]
    )
    options = {"setting": json.dumps(setting), "repeats": str(machine.repeats), "box": str(machine.box)}
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    return ["taskset", "-c", str(machine.core), interpreter, *script, str(folder), str(out), *flags]


def _limited(command: list[str], seconds: int) -> list[str]:
    """The command with a limit of processor time, not wall time: it must not depend on what else the machine does.

    A shell sets the limit and becomes the command; Python would have to run code between fork and exec, where threads are lost.
    """
    return ["sh", "-c", f'ulimit -S -t {seconds}; ulimit -H -t {seconds + 5}; exec "$@"', "sh", *command]


def _start(machine: Machine, command: list[str]) -> str:
    """Run to the end; the reason of a failure, or nothing."""
    environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            _limited(command, math.ceil(machine.limit)),
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE * machine.limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"over {PATIENCE * machine.limit:.0f} s"
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"over {machine.limit:.0f} s"
    lines = done.stderr.strip().splitlines() or ["no message"]
    return "" if done.returncode == 0 else f"exit {done.returncode}: {lines[-1]}"


def certificate(problem: Problem, out: Path) -> float:
    """The worst relative gap; for leave-one-out the largest relative error of the curve.

    A curve that does not belong to the coefficients means that what was timed is not what was certified.
    """
    if problem.task == "loo":
        exact = gap.leave_one_out_curve(problem)
        return float(np.max(np.abs(np.load(out / "curve.npy") / exact - 1)))
    fits = read_fits(out, problem)
    if problem.task == "cv":
        error = np.max(np.abs(np.load(out / "curve.npy") / gap.fold_curve(problem, fits) - 1))
        if error > 1e-6:
            return float("inf")
    return gap.worst_gap(problem, fits)


def measure(machine: Machine, tool: Tool, name: str, problem: Problem, setting: dict[str, Any]) -> Row:
    """Time one setting of one tool on a prepared problem and certify it."""
    out = machine.work / f"{name}.out"
    for stale in out.glob("*"):
        stale.unlink()
    failure = _start(machine, _command(machine, tool, machine.work / name, out, setting))
    if failure:
        return Row(name, tool.name, setting, failure=failure)
    taken = json.loads((out / "measurement.json").read_text())
    return Row(
        name,
        tool.name,
        setting,
        seconds=min(taken["seconds"]),
        cpu_seconds=min(taken["cpu_seconds"]),
        gap=certificate(problem, out),
        memory=taken["memory"],
        version=taken["version"],
    )
