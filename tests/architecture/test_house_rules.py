"""House rules for a machine to check: sizes of functions and modules, who imports what, abstract or final."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import FunctionType

import pytest

import taut
from taut.defaults import is_default
from taut.sklearn import __all__ as sklearn_names

SOURCE = Path(__file__).resolve().parents[2] / "src" / "taut"
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [str(file.relative_to(SOURCE)) for file in FILES]

# Who may import a heavy package: the places below, by their beginning.
HOMES = {
    "numba": ("solvers/_kernels/",),
    "matplotlib": ("plots",),
    "sklearn": ("estimators", "design", "selection", "sklearn", "splitters"),
    "torch": ("integrations/",),
    "jax": ("integrations/",),
    "optax": ("integrations/",),
    "keras": ("integrations/",),
    "tensorflow": ("tensorflow_arrays",),
    "polars": ("design", "streaming", "tabular", "cli"),
    "click": ("cli",),
    "rich": ("cli", "tabular"),
    "safetensors": ("model_file",),
    "dask": ("streaming/cluster",),
    "pyarrow": ("streaming/parquet",),
    "onnx": ("tabular/export_onnx",),
}
FORBIDDEN = {"pickle", "joblib", "marshal", "shelve", "dill", "cloudpickle"}


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement to the last; the signature and the docstring do not count."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def imported(file: Path) -> set[str]:
    """Top-level names of the packages that a module imports at run time, inside functions too."""
    checked_only = {
        node
        for guard in ast.walk(tree(file))
        if isinstance(guard, ast.If) and "TYPE_CHECKING" in ast.unparse(guard.test)
        for node in ast.walk(guard)
    }
    nodes = [node for node in ast.walk(tree(file)) if node not in checked_only]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    origins = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    return {name.partition(".")[0] for name in plain | origins}


def taut_classes() -> list[type]:
    """Every class of the core package."""
    optional = ("taut.integrations", "taut.torch", "taut.optax", "taut.keras", "taut.tensorflow_arrays")
    heavy = (*optional, "taut.__main__")
    modules = [m.name for m in pkgutil.walk_packages(taut.__path__, "taut.") if not m.name.startswith(heavy)]
    members = (vars(importlib.import_module(name)).values() for name in modules)
    found = {member for values in members for member in values if isinstance(member, type)}
    return sorted((c for c in found if c.__module__.startswith("taut")), key=lambda c: c.__qualname__)


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(file: Path) -> set[str]:
    """Modules of taut that a module names in an import: anywhere, inside functions and for type checkers, too."""
    modules = {module_of(one) for one in FILES}
    nodes = [node for node in ast.walk(tree(file)) if isinstance(node, ast.Import | ast.ImportFrom)]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    origins = [
        (node.module or "", alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    named = {f"{module}.{name}" if f"{module}.{name}" in modules else module for module, name in origins}
    return (plain | named) & modules - {module_of(file)}


def room_of(module: str) -> str:
    """The package that a module belongs to; solvers have rooms of their own, and modules that stand beside those."""
    parts = module.split(".")
    return ".".join(parts[: 3 if parts[1:2] == ["solvers"] else 2])


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """One circle among the arrows; empty where there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def overridden(cls: type) -> list[str]:
    """Methods of ``cls`` that replace one that a base of taut's had already written, and not as a default."""
    own = {name for name, value in vars(cls).items() if isinstance(value, FunctionType | property)}
    bases = [base for base in cls.__mro__[1:] if base.__module__.startswith("taut")]
    return sorted(
        f"{cls.__qualname__}.{name} overrides {base.__qualname__}.{name}"
        for base in bases
        for name in own & set(vars(base))
        if name not in base.__abstractmethods__
        and not name.startswith("__")
        and not is_default(vars(base)[name])
    )


@pytest.mark.parametrize("file", FILES, ids=NAMES)
class TestEveryModule:
    def test_has_a_docstring_and_fewer_than_400_lines(self, file: Path) -> None:
        assert ast.get_docstring(tree(file))
        assert len(file.read_text(encoding="utf-8").splitlines()) < 400

    def test_has_functions_of_at_most_40_lines(self, file: Path) -> None:
        assert {f.name: length(f) for f in functions(file) if length(f) > 40} == {}

    def test_imports_heavy_packages_only_at_their_homes(self, file: Path) -> None:
        place = str(file.relative_to(SOURCE))
        strangers = {name for name in imported(file) & HOMES.keys() if not place.startswith(HOMES[name])}
        assert strangers == set()

    def test_can_not_run_code_from_a_file(self, file: Path) -> None:
        calls = [node.func for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]
        named = {call.id for call in calls if isinstance(call, ast.Name)}
        assert named & {"eval", "exec", "hasattr", "__import__"} == set()
        assert imported(file) & FORBIDDEN == set()


def test_the_median_function_has_at_most_8_lines() -> None:
    written = [length(f) for file in FILES for f in functions(file) if length(f) > 0]
    assert statistics.median(written) <= 8


def test_classes_are_abstract_or_final() -> None:
    bases = {base for cls in taut_classes() for base in cls.__mro__[1:] if base.__module__.startswith("taut")}
    assert [base for base in bases if not inspect.isabstract(base)] == []


def test_no_method_overrides_a_written_one() -> None:
    classes = [cls for cls in taut_classes() if any(b.__module__.startswith("taut") for b in cls.__mro__[1:])]
    assert [sentence for cls in classes for sentence in overridden(cls)] == []


DISPATCHED = {
    "Loss": (
        {
            "OneOutput",
            "ResidualLoss",
            "SquaredError",
            "Huber",
            "Logistic",
            "Multinomial",
            "Poisson",
            "Gamma",
            "Tweedie",
        },
        ("losses/", "families", "laws/"),
    ),
    "Penalty": (
        {
            "L1",
            "L2",
            "ElasticNet",
            "Quadratic",
            "Separable",
            "GroupLasso",
            "NeuronLasso",
            "MCP",
            "SCAD",
            "WeaklyConvex",
        },
        ("penalties/", "laws/", "solvers/networks/lowering"),
    ),
}
"""Classes that no code but that at their homes may ask for by ``isinstance``: traits, records and tables answer instead."""


def asked_by_isinstance(file: Path, classes: set[str]) -> list[str]:
    """The calls of ``isinstance`` and the comparisons of ``type(…)`` in a module that name one of the classes."""
    named = lambda node: any(isinstance(n, ast.Name) and n.id in classes for n in ast.walk(node))  # noqa: E731
    calls = [n for n in ast.walk(tree(file)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    asked = [n for n in calls if n.func.id in ("isinstance", "issubclass") and named(n.args[1])]
    compared = [
        n
        for n in ast.walk(tree(file))
        if isinstance(n, ast.Compare) and named(n) and "type(" in ast.unparse(n)
    ]
    tables = [
        n
        for n in ast.walk(tree(file))
        if isinstance(n, ast.Dict) and any(k is not None and named(k) for k in n.keys)
    ]
    return [f"{file.name}:{n.lineno}: {ast.unparse(n)[:80]}" for n in (*asked, *compared, *tables)]


@pytest.mark.parametrize("contract", DISPATCHED)
def test_no_loss_or_penalty_is_asked_for_its_class(contract: str) -> None:
    classes, homes = DISPATCHED[contract]
    known = {cls.__name__ for cls in taut_classes() if issubclass(cls, getattr(taut, contract))} - {contract}
    assert known == classes
    strangers = [file for file, name in zip(FILES, NAMES, strict=True) if not name.startswith(homes)]
    assert [call for file in strangers for call in asked_by_isinstance(file, classes)] == []


KIND_HOMES = ("penalties/", "laws/", "solvers/networks/")
"""Who may ask how a kernel must read a table: the lowering of networks."""


def test_kinds_of_tables_are_the_business_of_the_lowering() -> None:
    def imports_kind(file: Path) -> bool:
        origins = (
            n
            for n in ast.walk(tree(file))
            if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("taut.penalties")
        )
        return any(alias.name == "Kind" for origin in origins for alias in origin.names)

    assert [
        n for f, n in zip(FILES, NAMES, strict=True) if imports_kind(f) and not n.startswith(KIND_HOMES)
    ] == []


def test_what_users_hold_is_frozen() -> None:
    """Public dataclasses and their subclasses; an engine's private workspace may change while it works."""
    public = tuple(
        value for value in (getattr(taut, name) for name in taut.__all__) if isinstance(value, type)
    )
    held = [cls for cls in taut_classes() if is_dataclass(cls) and issubclass(cls, public)]
    assert len(held) > 20
    assert [cls for cls in held if not cls.__dataclass_params__.frozen] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle({module_of(file): imported_modules(file) for file in FILES}) == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    rooms: dict[str, set[str]] = {}
    for file in FILES:
        own = room_of(module_of(file))
        rooms.setdefault(own, set()).update({room_of(module) for module in imported_modules(file)} - {own})
    assert len(rooms) > 25
    assert circle(rooms) == []


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) != []


# taut.torch, taut.optax and taut.keras have a Regularizer each, and taut.keras.L1 is the L1 that Keras knows.
TWICE = set(sklearn_names) | {"L1", "Regularizer"}


def test_no_class_name_means_two_things() -> None:
    names = [node.name for file in FILES for node in ast.walk(tree(file)) if isinstance(node, ast.ClassDef)]
    assert {name for name in names if names.count(name) > 1} - TWICE == set()


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_import_taut_loads_nothing() -> None:
    assert (
        modules_after("import taut; dir(taut)") & {"numpy", "scipy", "numba", "sklearn", "polars", "rich"}
        == set()
    )


def test_the_command_line_answers_before_it_loads_anything() -> None:
    loaded = modules_after("from taut.cli import main; main(['--version'], standalone_mode=False)")
    assert loaded & {"numpy", "scipy", "numba", "sklearn", "polars"} == set()


def test_a_path_of_arrays_loads_neither_tables_nor_estimators() -> None:
    loaded = modules_after(
        "import taut; taut.fit_path([[0.0], [1.0], [2.0]], [0.0, 1.0, 3.0], lambdas=[0.1])"
    )
    assert loaded & {"sklearn", "polars", "pandas", "rich", "torch", "jax"} == set()


def test_a_penalty_needs_only_arrays() -> None:
    assert (
        modules_after("import taut; taut.L1(0.1)") & {"numba", "sklearn", "polars", "torch", "jax"} == set()
    )


def test_every_public_name_exists() -> None:
    assert [name for name in taut.__all__ if getattr(taut, name, None) is None] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="lasso"):
        taut.lasso  # noqa: B018
