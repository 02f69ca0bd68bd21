"""Every option of the shared records, through every call that takes it, arrives in the specification that is fitted."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import taut
import taut.tabular.options
from taut.cli import main
from taut.cli.commands import fit_command
from taut.options import ArrayOptions, ChoiceOptions, ModelOptions, Option, TrainingOptions, options_of
from taut.path.spec import PathSpec
from taut.penalties import as_penalty

SHARED = options_of(ModelOptions, TrainingOptions)
X = np.random.default_rng(0).normal(size=(40, 3))
Y = X @ [1.0, 0.0, -1.0] + np.random.default_rng(1).normal(size=40)
TABLE = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": Y})


class Reached(BaseException):
    """The specification with which fitting would begin."""

    def __init__(self, spec: PathSpec) -> None:
        self.spec = spec


def command(**options):
    words = [word for name, value in options.items() for word in spelt(name, value)]
    main(["fit", "table.csv", "--target", "y", *words], standalone_mode=False)


def spelt(name, value) -> list[str]:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    return [f"--{flag}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]


DOORS = {
    "fit_path": lambda **options: taut.fit_path(X, Y, **options),
    "cross_validate": lambda **options: taut.cross_validate(X, Y, **options),
    "bias_variance": lambda **options: taut.bias_variance(X, Y, **options),
    "stability_selection": lambda **options: taut.stability_selection(X, Y, **options),
    "Regressor": lambda **options: taut.Regressor(**options).fit(X, Y),
    "Classifier": lambda **options: taut.Classifier(**options).fit(X, Y > 0),
    "fit": lambda **options: taut.fit(TABLE, "y", **options),
    "command line": command,
}


def another(name: str, said: Option):
    """A value that is not the default."""
    if isinstance(said.default, bool):
        return not said.default
    if said.choices:
        return next(word for word in said.choices if word != said.default)
    if name in ("layer_penalties", "bias_penalties"):
        return "l1"
    return 0.25 if said.least is None else said.least + 2


@pytest.fixture
def reached(monkeypatch, tmp_path):
    def reach(self, *args, **kwargs):
        raise Reached(self)

    monkeypatch.setattr(PathSpec, "linear_problem", reach)
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("table.csv")


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("door", DOORS)
def test_every_option_arrives(reached, door, name):
    value = another(name, SHARED[name])
    beside = {"penalty": "elasticnet"} if name == "l1_ratio" else {}
    with pytest.raises(Reached) as caught:
        DOORS[door](hidden=(4,), **beside, **{name: value})
    spec = caught.value.spec
    if name in TrainingOptions.__annotations__:
        assert getattr(spec.training, name) == value
    elif name in ("penalty", "l1_ratio"):
        assert spec.penalty == as_penalty(**{"penalty": "elasticnet"} | {name: value})
    elif name.endswith("_penalties"):
        assert getattr(spec, name) == [taut.L1(), taut.L1()]
    elif name == "tol" and door in ("Regressor", "Classifier"):
        assert spec.tol == min(value, 1e-12)  # small data are solved to all digits
    else:
        assert getattr(spec, name) == value


@pytest.mark.parametrize(
    "call",
    [taut.fit_path, taut.cross_validate, taut.Regressor, taut.Classifier, taut.fit],
    ids=lambda c: c.__name__,
)
def test_signatures_and_docstrings_have_every_option(call):
    parameters = inspect.signature(call).parameters
    own = {taut.fit_path: {"penalty": None}, taut.cross_validate: {"penalty": None}}
    estimators = {taut.Regressor: {"restarts": 1}, taut.Classifier: {"restarts": 1}}
    usual = {name: said.default for name, said in SHARED.items()} | (own | estimators).get(call, {})
    assert {name: parameters[name].default for name in SHARED} == usual
    if call in (taut.fit_path, taut.Regressor, taut.fit):
        assert [name for name in parameters if name not in (call.__doc__ or "")] == []


def test_the_command_has_every_option():
    assert set(SHARED) <= {param.name for param in fit_command.params}


def test_no_record_repeats_an_option_of_another():
    records = (ArrayOptions, ModelOptions, TrainingOptions, ChoiceOptions)
    names = [name for record in records for name in record.__annotations__]
    assert len(names) == len(set(names))
    assert set(names) == set(options_of(*records))


def test_a_fit_has_its_keywords_whatever_is_given():
    options = taut.tabular.options.Options.of("y", lam=0.1, hidden=3, l1_ratio=[0.1, 0.9], drop="a")
    assert (options.hidden, options.model["l1_ratio"], options.drop) == ((3,), (0.1, 0.9), ("a",))
    assert options.changed(hidden=()) == taut.tabular.options.Options.of(
        "y", lam=0.1, l1_ratio=(0.1, 0.9), drop=["a"]
    )
    assert set(options.keywords) < set(inspect.signature(taut.fit).parameters)


NEW = """
import importlib.util, inspect, sys, types
import taut
from pathlib import Path

text = Path(taut.__file__).with_name("options.py").read_text(encoding="utf-8")
line = '    patience: Annotated["int | None", Option(None, "epochs without a gain.", "Epochs without a gain.", least=1)]'
place = text.index("class ArrayOptions")
module = types.ModuleType("taut.options")
exec(compile(text[:place].rstrip() + "\\n" + line + "\\n\\n\\n" + text[place:], "options.py", "exec"), vars(sys.modules.setdefault("taut.options", module)))

from taut.cli.commands import fit_command
from taut.path import make_spec

doors = [taut.fit_path, taut.cross_validate, taut.bias_variance, taut.Regressor, taut.Classifier, taut.fit]
assert all("patience" in inspect.signature(door).parameters for door in doors)
assert all("patience : epochs without a gain." in door.__doc__ for door in (taut.fit_path, taut.Regressor, taut.fit))
assert "patience" in [param.name for param in fit_command.params]
assert make_spec(patience=7).training.patience == 7
assert taut.Regressor(patience=7).get_params()["patience"] == 7
assert taut.tabular.options.Options.of("y", patience=7).document()["patience"] == 7
"""


def test_a_new_option_is_one_line_and_what_it_does():
    """``patience`` is a setting of ``Training`` that is no option: a line makes it one, through every call."""
    subprocess.run([sys.executable, "-c", NEW], check=True, timeout=120)
