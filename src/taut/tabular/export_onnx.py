"""Export: a fit as an ONNX graph, preparation included, so that other programs predict from the raw columns.

Every column that the model needs is an input (n, 1): numbers as doubles with NaN for a missing cell, categories as
strings with "" for one, dates as doubles, days since 1970-01-01 (what Arrow, Polars and NumPy hold), NaN for none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.design import DataError, Derived, Levels, Numbers, Part, Preparation, Term, TermKind, brief
from taut.estimators import Layers
from taut.losses import IdentityLink, Link, LogitLink, LogLink, Loss, SoftmaxLink
from taut.model_file import write_atomically
from taut.types import Float

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord

OPSET, ML_OPSET, IR = 18, 3, 10
UNNAMED = "unnamed"


@dataclass
class Graph:
    """Nodes, constants and inputs of an ONNX graph as they come; every value has a name of its own."""

    onnx: Any
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    reserved: frozenset[str] = frozenset()

    def free(self, name: str) -> str:
        """The name, longer where an input has it: columns may be called anything."""
        while name in self.reserved:
            name += "_"
        return name

    def call(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The output of one operator."""
        name = self.free(f"{kind}_{len(self.nodes)}")
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def constant(self, value: Any) -> str:
        """A constant: numbers as they are, texts as strings."""
        name = self.free(f"constant_{len(self.constants)}")
        array = np.asarray(value)
        stored = array.astype(object) if array.dtype.kind == "U" else array
        self.constants.append(self.onnx.numpy_helper.from_array(stored, name))
        return name

    def column(self, name: str, words: str, text: bool = False) -> str:
        """An input (n, 1); ``words`` say what it holds. An empty name is none in ONNX: it becomes ``unnamed``."""
        name = name or self.free(UNNAMED)
        kind = self.onnx.TensorProto.STRING if text else self.onnx.TensorProto.DOUBLE
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, kind, ["n", 1], doc_string=words))
        return name

    def arithmetic(self, kind: str, value: str, number: float) -> str:
        """``value`` with one number."""
        return self.call(kind, value, self.constant(np.array([[float(number)]])))

    def whole(self, value: str, divisor: float) -> str:
        """⌊value / divisor⌋."""
        return self.call("Floor", self.arithmetic("Div", value, divisor))

    def double(self, value: str) -> str:
        """``value`` as doubles."""
        return self.call("Cast", value, to=self.onnx.TensorProto.DOUBLE)

    def take(self, value: str, places: Sequence[int]) -> str:
        """Columns of a matrix."""
        return self.call("Gather", value, self.constant(np.asarray(places, dtype=np.int64)), axis=1)

    def joined(self, values: Sequence[str]) -> str:
        """Matrices side by side."""
        return values[0] if len(values) == 1 else self.call("Concat", *values, axis=1)


def export(fit: FitRecord, path: FilePath) -> FilePath:
    """Write the chosen model of ``fit`` as an ONNX file."""
    preparation, offset = fit.setting.preparation, fit.setting.options.offset
    if preparation.words:
        raise DataError(
            f"column {brief(preparation.words[0].source)}: words of texts have no place in an ONNX file; fit without --text,"
            " or predict with taut"
        )
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError("the export needs onnx: pip install 'taut[onnx]'") from error
    graph = Graph(onnx, reserved=frozenset({*preparation.columns, offset or ""}))
    eta = _eta(graph, fit.layers, _design(graph, preparation))
    if offset is not None:
        eta = graph.call(
            "Add", eta, graph.column(offset, "the offset, a number that is added to the predictor")
        )
    if fit.temperature != 1.0:
        eta = graph.arithmetic("Div", eta, fit.temperature)
    outputs = _outputs(graph, fit, eta)
    helper = onnx.helper
    made = helper.make_graph(graph.nodes, "taut", graph.inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(
        made, opset_imports=opsets, ir_version=IR, producer_name="taut", producer_version=fit.version
    )
    onnx.checker.check_model(model)
    write_atomically(path, model.SerializeToString())
    return path


def _design(graph: Graph, preparation: Preparation) -> str:
    parts = [_numbers(graph, preparation.numbers)] if preparation.numbers.reads else []
    parts += [_levels(graph, levels) for levels in preparation.categories]
    plain = graph.take(graph.joined(parts), preparation.selected)
    if preparation.derived.terms:
        plain = graph.joined([plain, _derived(graph, preparation.derived, plain)])
    return plain if preparation.outputs is None else graph.take(plain, preparation.outputs)


def _numbers(graph: Graph, numbers: Numbers) -> str:
    """Gaps and infinities filled with the medians, then the indicators of gaps."""
    named = dict.fromkeys(r.source for r in numbers.reads if r.part is not Part.VALUE)
    dates = {name: _date(graph, name) for name in named}
    values = graph.joined(
        [
            graph.column(r.source, "a number; NaN where there is none")
            if r.part is Part.VALUE
            else dates[r.source][r.part]
            for r in numbers.reads
        ]
    )
    gaps = graph.call("Or", graph.call("IsNaN", values), graph.call("IsInf", values))
    filled = graph.call("Where", gaps, graph.constant(np.array([numbers.medians])), values)
    flagged = np.flatnonzero(numbers.flagged).tolist()
    return graph.joined([filled, graph.take(graph.double(gaps), flagged)]) if flagged else filled


def _date(graph: Graph, name: str) -> dict[Part, str]:
    """Year, month, weekday (Monday = 1) and hour of a column of days since 1970-01-01, in the Gregorian calendar.

    Years begin in March, so that the leap day is their last: Richards in *Explanatory Supplement to the Astronomical
    Almanac* (3rd ed., 2013), §15.11. Every quotient is of whole numbers that doubles hold exactly.
    """
    moment = graph.column(
        name, "a date: days since 1970-01-01, a time as a part of its day; NaN where there is none"
    )
    day = graph.call("Floor", moment)
    since = graph.arithmetic("Add", day, 719_468.0)  # 0000-03-01
    era = graph.whole(since, 146_097.0)  # of 400 years
    of_era = graph.call("Sub", since, graph.arithmetic("Mul", era, 146_097.0))
    even = graph.call("Sub", of_era, graph.whole(of_era, 1_460.0))
    even = graph.call("Add", even, graph.whole(of_era, 36_524.0))
    even = graph.call("Sub", even, graph.whole(of_era, 146_096.0))
    year = graph.whole(even, 365.0)
    leaps = graph.call("Sub", graph.whole(year, 4.0), graph.whole(year, 100.0))
    of_year = graph.call("Sub", of_era, graph.call("Add", graph.arithmetic("Mul", year, 365.0), leaps))
    march = graph.whole(graph.arithmetic("Add", graph.arithmetic("Mul", of_year, 5.0), 2.0), 153.0)
    next_year = graph.double(graph.arithmetic("GreaterOrEqual", march, 10.0))
    month = graph.call("Sub", graph.arithmetic("Add", march, 3.0), graph.arithmetic("Mul", next_year, 12.0))
    years = graph.call("Add", graph.call("Add", year, graph.arithmetic("Mul", era, 400.0)), next_year)
    monday = graph.arithmetic("Add", day, 3.0)
    weekday = graph.call("Sub", monday, graph.arithmetic("Mul", graph.whole(monday, 7.0), 7.0))
    seconds = graph.arithmetic("Mul", graph.call("Sub", moment, day), 86_400.0)
    hour = graph.whole(graph.arithmetic("Add", seconds, 0.001), 3_600.0)  # 13:00 is not quite 13/24 of a day
    return {
        Part.YEAR: years, Part.MONTH: month, Part.WEEKDAY: graph.arithmetic("Add", weekday, 1.0), Part.HOUR: hour,
    }  # fmt: skip


def _levels(graph: Graph, levels: Levels) -> str:
    places = {"" if level is None else level: place for level, place in levels.places.items()}
    column = graph.column(levels.source, "a category; empty where there is none", text=True)
    codes = graph.call(
        "LabelEncoder", column, domain="ai.onnx.ml", keys_strings=list(places),
        values_int64s=list(places.values()), default_int64=len(levels.levels) if levels.pooled else -1,
    )  # fmt: skip
    if not levels.single:
        return graph.double(graph.call("Equal", codes, graph.constant(np.arange(len(levels.names))[None])))
    first, second = (graph.call("Equal", codes, graph.constant(np.array([[code]]))) for code in (0, 1))
    share = graph.constant(np.array([[levels.share]]))
    return graph.call("Where", graph.call("Or", first, second), graph.double(second), share)


def _derived(graph: Graph, derived: Derived, plain: str) -> str:
    shifted = graph.call("Sub", plain, graph.constant(np.array([derived.center])))
    u = graph.call("Div", shifted, graph.constant(np.array([derived.scale])))
    parts, order = [], []
    for kind, made in ((TermKind.POWER, _powers), (TermKind.SPLINE, _splines), (TermKind.PRODUCT, _products)):
        places = [j for j, term in enumerate(derived.terms) if term.kind is kind]
        if places:
            parts.append(made(graph, u, [derived.terms[j] for j in places], derived))
            order += places
    return graph.take(graph.joined(parts), np.argsort(order).tolist())


def _powers(graph: Graph, u: str, terms: list[Term], derived: Derived) -> str:
    exponents = graph.constant(np.array([[float(t.second) for t in terms]]))
    return graph.call("Pow", graph.take(u, [t.first for t in terms]), exponents)


def _products(graph: Graph, u: str, terms: list[Term], derived: Derived) -> str:
    return graph.call(
        "Mul", graph.take(u, [t.first for t in terms]), graph.take(u, [t.second for t in terms])
    )


def _splines(graph: Graph, u: str, terms: list[Term], derived: Derived) -> str:
    """N_k of ``natural_spline``, all terms at once."""
    x = graph.take(u, [t.first for t in terms])
    knots = [derived.knots[t.first] for t in terms]
    own = np.array([[k[t.second - 1] for k, t in zip(knots, terms, strict=True)]])
    before_last, last, first = (np.array([[k[place] for k in knots]]) for place in (-2, -1, 0))

    def cubed(at: Float) -> str:
        above = graph.call("Max", graph.call("Sub", x, graph.constant(at)), graph.constant(np.zeros((1, 1))))
        return graph.call("Pow", above, graph.constant(np.full((1, 1), 3.0)))

    end = cubed(last)
    slopes = [
        graph.call("Div", graph.call("Sub", cubed(at), end), graph.constant(last - at))
        for at in (own, before_last)
    ]
    return graph.call("Div", graph.call("Sub", *slopes), graph.constant((last - first) ** 2))


def _eta(graph: Graph, layers: Layers, design: str) -> str:
    if any(coef.shape[1] == 0 for coef in layers.coefs[:-1]):
        # A layer died out: what comes behind it does not depend on the row.
        alone = Layers(layers.coefs, layers.intercepts, None, layers.activation)
        last = alone.decision(np.zeros((1, layers.coefs[0].shape[0])))
        assert layers.skip is not None  # otherwise there would be nothing to predict with
        return graph.call(
            "Add", graph.call("MatMul", design, graph.constant(layers.skip)), graph.constant(last)
        )
    value, end = design, len(layers.coefs) - 1
    for k, (coef, intercept) in enumerate(zip(layers.coefs, layers.intercepts, strict=True)):
        value = graph.call("MatMul", value, graph.constant(coef))
        if k == end and layers.skip is not None:
            value = graph.call("Add", value, graph.call("MatMul", design, graph.constant(layers.skip)))
        value = graph.call("Add", value, graph.constant(intercept[None]))
        if k < end:
            value = ACTIVATIONS[layers.activation](graph, value)
    return value


def _gelu(graph: Graph, z: str) -> str:
    """zΦ(z); the erf of ONNX Runtime is single precision only."""
    scaled = graph.call("Mul", z, graph.constant(np.full((1, 1), 0.5**0.5)))
    single = graph.call("Cast", scaled, to=graph.onnx.TensorProto.FLOAT)
    erf = graph.double(graph.call("Erf", single))
    half = graph.constant(np.full((1, 1), 0.5))
    return graph.call("Mul", z, graph.call("Add", graph.call("Mul", erf, half), half))


ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "relu": lambda graph, z: graph.call("Relu", z),
    "tanh": lambda graph, z: graph.call("Tanh", z),
    "sigmoid": lambda graph, z: graph.call("Sigmoid", z),
    "gelu": _gelu,
    "identity": lambda graph, z: z,
}


def _outputs(graph: Graph, fit: FitRecord, eta: str) -> list[Any]:
    helper, types = graph.onnx.helper, graph.onnx.TensorProto
    if not fit.classes:
        mean = graph.call("Exp", eta) if fit.setting.options.log_target else _mean(graph, fit.loss, eta)
        name = graph.free("prediction")
        graph.nodes.append(helper.make_node("Reshape", [mean, graph.constant(np.array([-1]))], [name]))
        return [helper.make_tensor_value_info(name, types.DOUBLE, ["n"])]
    label, probabilities = graph.free("label"), graph.free("probabilities")
    shares = _shares(graph, fit.loss, eta)
    graph.nodes.append(helper.make_node("Identity", [shares], [probabilities]))
    best = graph.call("ArgMax", shares, axis=1, keepdims=0)
    whole = all(isinstance(label, int) and not isinstance(label, bool) for label in fit.classes)
    labels = np.array(fit.classes, dtype=np.int64) if whole else np.array([str(c) for c in fit.classes])
    graph.nodes.append(helper.make_node("Gather", [graph.constant(labels), best], [label]))
    return [
        helper.make_tensor_value_info(label, types.INT64 if whole else types.STRING, ["n"]),
        helper.make_tensor_value_info(probabilities, types.DOUBLE, ["n", len(fit.classes)]),
    ]


MEANS: dict[type[Link], Callable[[Graph, str], str]] = {
    IdentityLink: lambda graph, eta: eta,
    LogLink: lambda graph, eta: graph.call("Exp", eta),
    LogitLink: lambda graph, eta: graph.call("Sigmoid", eta),
    SoftmaxLink: lambda graph, eta: graph.call("Softmax", eta, axis=1),
}
"""The inverse links as operators of ONNX."""


def _mean(graph: Graph, loss: Loss, eta: str) -> str:
    """The mean at η; ValueError where ONNX has no operator for the link of a loss."""
    if type(loss.link) not in MEANS:
        raise ValueError(
            f"{type(loss).__name__} has the link {type(loss.link).__name__}, which is not known in ONNX: save the model as"
            " .safetensors"
        )
    return MEANS[type(loss.link)](graph, eta)


def _shares(graph: Graph, loss: Loss, eta: str) -> str:
    """The probability of every class (n, k); of two classes η has that of the second."""
    second = _mean(graph, loss, eta)
    if loss.traits.couples_outputs:
        return second
    return graph.joined([graph.call("Sub", graph.constant(np.ones((1, 1))), second), second])
