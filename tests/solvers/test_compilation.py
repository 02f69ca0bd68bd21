"""Compiling: what is declared exists, a helper compiles it into the cache that all share, and whoever watches hears of it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import sigutils

from taut.solvers._kernels import compilation

ROOT = Path(__file__).resolve().parents[2]
COPY = '[["quadratic.copy", "(float64[::1], float64[::1],)"]]'


def run(code: str, cache: Path, **own: str) -> str:
    """What a new process with an empty cache prints."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT / "src")} | own
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True, timeout=300
    )
    return done.stdout


class TestDeclaredSignatures:
    def test_are_of_kernels_that_exist_and_take_as_many_arguments(self) -> None:
        declared = compilation.signatures()
        assert len(declared) > 5
        for kernel, types in [one for own in declared.values() for one in own]:
            module, name = kernel.split(".")
            function = getattr(importlib.import_module(f"{compilation.PACKAGE}.{module}"), name)
            arguments, _ = sigutils.normalize_signature(types)
            assert len(arguments) <= function.py_func.__code__.co_argcount

    @pytest.mark.slow
    def test_hold_what_a_first_fit_compiles(self, tmp_path: Path) -> None:
        code = (
            "import numpy as np, taut, json\n"
            "from numba.core import event\n"
            "from taut.solvers._kernels import compilation\n"
            "heard = set()\n"
            "class Listener(event.Listener):\n"
            "    on_start = lambda self, happened: None\n"
            "    on_end = lambda self, happened: heard.add(compilation.kernel_of(happened))\n"
            "event.register('numba:compile', Listener())\n"
            "rng = np.random.default_rng(0); X = rng.normal(size=(200, 20))\n"
            "taut.fit_path(X, X[:, 0] + rng.normal(size=200))\n"
            "print(json.dumps(sorted(filter(None, heard))))"
        )
        found = set(importlib.import_module("json").loads(run(code, tmp_path, TAUT_COMPILE_HELPER="0")))
        declared = {kernel for kernel, _ in compilation.signatures()["segment.stretch"]}
        assert found - declared == {"segment.stretch"}


class TestHelper:
    @pytest.mark.parametrize(
        ("parent", "compiled"), [("os.getppid()", True), ("-1", False)], ids=["there", "gone"]
    )
    def test_compiles_into_the_shared_cache_for_a_process_that_is_there(
        self, parent: str, compiled: bool, tmp_path: Path
    ) -> None:
        code = (
            "import os\nfrom taut.solvers._kernels import compilation\n"
            f"compilation.signatures = lambda: {{'r': {COPY}}}\n"
            f"compilation.help_with('r', {parent})"
        )
        run(code, tmp_path)
        assert bool([*tmp_path.rglob("quadratic.copy*.nbc")]) == compiled

    def test_is_started_once_and_ends_with_its_process(self, tmp_path: Path) -> None:
        code = (
            "import os, subprocess\nfrom taut.solvers._kernels import compilation\n"
            "made, Popen = [], subprocess.Popen\n"
            "def popen(*args, **more):\n    made.append(Popen(*args, **more)); return made[-1]\n"
            "subprocess.Popen = popen\n"
            "compilation.start_helper('segment.stretch'); compilation.start_helper('segment.stretch')\n"
            "print(len(made), made[0].pid)"
        )
        count, pid = run(code, tmp_path).split()
        assert count == "1"
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)

    @pytest.mark.parametrize("why", ["switched off", "one core", "another interpreter"])
    def test_is_left_out(self, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compilation, "parent_process", lambda: None)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
        monkeypatch.delenv(compilation.SWITCH, raising=False)
        assert compilation.may_help()
        if why == "switched off":
            monkeypatch.setenv(compilation.SWITCH, "0")
        elif why == "one core":
            monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
        else:
            monkeypatch.setattr(sys, "executable", "/opt/app/program")
        assert not compilation.may_help()


def test_whoever_watches_hears_of_every_kernel_and_of_the_end(tmp_path: Path) -> None:
    code = (
        "import numpy as np\nfrom taut.solvers import watch_compilation\n"
        "from taut.solvers._kernels.quadratic import measured\n"
        "heard = []\n"
        "with watch_compilation(lambda *counts: heard.append(counts)):\n"
        "    x = np.ones(3)\n"
        "    measured(x, x, x, 1.0, np.ones((4, 3)), 0.0, np.inf)\n"
        "    measured(x, x, x, 1.0, np.ones((4, 3)), 0.0, np.inf)\n"
        "print(len(heard), heard[-1][0] == heard[-1][1] > 0)"
    )
    count, ended = run(code, tmp_path, TAUT_COMPILE_HELPER="0").split()
    assert int(count) >= 2
    assert ended == "True"
