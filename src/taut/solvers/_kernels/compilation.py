"""Compilation: its progress is told to whoever asks, and a second process compiles from the other end.

Compiling is the compiler's front end for the most part, which has one thread. So where a first kernel is not in the cache, a
helper process compiles the kernels that such a fit needs, as ``signatures.json`` declares them, from the last to the first
into the cache that both share; whoever comes second finds the kernel there. ``TAUT_COMPILE_HELPER=0`` leaves it out.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import Any, final

from numba.core import event, sigutils

SWITCH = "TAUT_COMPILE_HELPER"
PACKAGE = "taut.solvers._kernels"

KernelProgress = Callable[[int, int], None]
"""Told how many kernels of how many are compiled, 0 of 0 where that is not known; once more with both equal at the end."""


@final
class Compilation(event.Listener):  # type: ignore[misc]  # numba has no types
    """Hears of every compilation of this process: of a kernel, and of what that calls, within it.

    Meanwhile there is no garbage collection, which would walk through all of the compiler's living objects in vain.
    """

    def __init__(self) -> None:
        self.watchers: list[KernelProgress] = []
        self._depth, self._collects = 0, False
        self._done, self._total = 0, 0

    def on_start(self, happened: Any) -> None:
        """A compilation begins, within another one perhaps."""
        if self._depth == 0:
            self._collects = gc.isenabled()
            gc.disable()
            self._begin(kernel_of(happened))
        self._depth += 1

    def on_end(self, happened: Any) -> None:
        """It has ended, however it did."""
        self._depth -= 1
        self._done += kernel_of(happened) is not None
        if self._depth == 0:
            self._total = max(self._total, self._done)
            if self._collects:
                gc.enable()
        self._tell(self._done if self._depth else self._total)

    def _begin(self, root: str | None) -> None:
        declared = len(signatures().get(root or "", ()))
        if root is not None and declared and may_help():
            start_helper(root)
        self._total = max(self._total, self._done + declared)
        self._tell(self._done)

    def _tell(self, done: int) -> None:
        for watcher in self.watchers:
            watcher(min(done, self._total), self._total)


COMPILATION = Compilation()


@contextmanager
def watch_compilation(heard: KernelProgress) -> Iterator[None]:
    """Tell ``heard`` of the kernels that are compiled meanwhile; of those in the cache nothing is heard."""
    COMPILATION.watchers.append(heard)
    try:
        yield
    finally:
        COMPILATION.watchers.remove(heard)


def kernel_of(happened: Any) -> str | None:
    """``module.function`` of a kernel of ours, None for what belongs to numba."""
    function = happened.data["dispatcher"].py_func
    package, _, module = function.__module__.rpartition(".")
    return f"{module}.{function.__name__}" if package == PACKAGE else None


@cache
def signatures() -> dict[str, list[list[str]]]:
    """By the first kernel that a first fit compiles: all that it compiles, innermost first, each as [kernel, types]."""
    text = Path(__file__).with_name("signatures.json").read_text(encoding="utf-8")
    found: dict[str, list[list[str]]] = json.loads(text)
    return found


def compile_declared(kernel: str, types: str) -> None:
    """Compile one kernel for arguments of these ``types``, or find it in the cache."""
    module, name = kernel.split(".")
    arguments, _ = sigutils.normalize_signature(types)
    getattr(importlib.import_module(f"{PACKAGE}.{module}"), name).compile(arguments)


def may_help() -> bool:
    """Whether a second process may be started: two cores, Python's own interpreter, nobody else's worker."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    ours = "python" in Path(sys.executable or "").name.lower() and not getattr(sys, "frozen", False)
    return cores > 1 and ours and parent_process() is None and os.environ.get(SWITCH) != "0"


@cache
def start_helper(root: str) -> None:
    """Start the process that compiles the list of ``root`` from its end, once; it ends with its list or with this process."""
    found = os.pathsep.join(place or os.getcwd() for place in sys.path)
    try:
        helper = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import help_with; help_with({root!r}, {os.getpid()})"],
            env=os.environ | {SWITCH: "0", "PYTHONPATH": found},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return  # no process to spare: then this one compiles all of it
    # The thread buries it when it ends, while this process goes on.
    Thread(target=helper.wait, daemon=True).start()
    atexit.register(helper.kill)


def help_with(root: str, parent: int) -> None:
    """Compile the list of ``root`` from the last kernel to the first, while the process ``parent`` is there."""
    with suppress(KeyboardInterrupt):
        for kernel, types in reversed(signatures()[root]):
            if os.getppid() != parent:
                return
            compile_declared(kernel, types)
