"""The one place that knows the kinds of arrays apart (``taut.tensorflow_arrays`` lends it names): others ask for a namespace.

The mathematics of the library is written once, in the functions of the Python array API standard
(https://data-apis.org/array-api/), and gives back arrays of the kind, dtype and device that it was given.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any
"""A NumPy, PyTorch or JAX array, or a tensor of TensorFlow, by which Keras may compute.

The kinds share no base class, so the type checker cannot say more."""

Scalar: TypeAlias = Any
"""A 0-d array or a number, of the kind that went in."""

KINDS: dict[str, str] = {
    "numpy": "numpy",
    "torch": "array_api_compat.torch",
    "jax": "jax.numpy",
}
"""The kinds of arrays, by the name of their package, and where their array-API namespace lives."""


def is_array(x: object) -> bool:
    """Whether ``x`` is an array of a known kind. NumPy scalars are numbers, not arrays."""
    # Looked at first: the loops over small arrays ask this thousands of times a second.
    if type(x) is np.ndarray:
        return True
    if isinstance(x, np.generic | float | int | list | tuple | None):
        return False
    return _compat().is_array_api_obj(x) or _is_tensorflow(x)


def is_sparse(x: object) -> bool:
    """Whether ``x`` is a sparse matrix or array of SciPy: where ``scipy.sparse`` was not imported, nothing is."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(x))


def _compat() -> Any:
    """What knows the arrays of other packages; a process that has NumPy's alone starts without it."""
    return importlib.import_module("array_api_compat")


def _is_torch(x: object) -> bool:
    """Whether ``x`` is a tensor of PyTorch."""
    return "torch" in sys.modules and _compat().is_torch_array(x)


def _is_jax(x: object) -> bool:
    """Whether ``x`` is an array of JAX."""
    return "jax" in sys.modules and _compat().is_jax_array(x)


def _is_tensorflow(x: object) -> bool:
    """Whether ``x`` is a tensor of TensorFlow, which is not imported for the question."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and bool(tensorflow.is_tensor(x))


def _tensorflow() -> Any:
    """The namespace of its tensors."""
    return importlib.import_module("taut.tensorflow_arrays")


def namespace(*arrays: object) -> Any:
    """The array-API namespace that all ``arrays`` share: NumPy's where there are only numbers and lists.

    Raises TypeError where the arrays are of different kinds.
    """
    found = [x for x in arrays if is_array(x)]
    if all(type(x) is np.ndarray for x in found):
        return np
    if all(map(_is_tensorflow, found)):
        return _tensorflow()
    return _compat().array_namespace(*found)


def as_float(x: object) -> Array:
    """``x`` as an array of real floating dtype: floating arrays as they are, integers and lists converted."""
    xp = namespace(x)
    if not is_array(x):
        return np.asarray(x, dtype=np.float64)
    if xp.isdtype(x.dtype, "real floating"):  # type: ignore[attr-defined]
        return x
    return xp.astype(x, xp.empty(0).dtype)


def to_numpy(x: object) -> NDArray[Any]:
    """``x`` as a NumPy array on the host, cut off from automatic differentiation, dtype kept."""
    if _is_torch(x):
        return np.asarray(x.detach().cpu())  # type: ignore[attr-defined]
    return np.asarray(x)


def like(x: object, reference: Array) -> Array | float:
    """``x`` with the kind, dtype and device of ``reference``; a plain number stays a Python float.

    A Python float takes part in any computation without changing its dtype, which a float64 array would.
    """
    if not is_array(x) and np.ndim(x) == 0:  # type: ignore[arg-type]
        return float(x)  # type: ignore[arg-type]
    if type(reference) is np.ndarray:
        return np.asarray(x, dtype=reference.dtype)
    if _is_torch(reference):
        values = x if _is_torch(x) else np.array(x)  # torch wants memory to write to
        return namespace(reference).asarray(values, dtype=reference.dtype, device=reference.device)
    return namespace(reference).asarray(x, dtype=reference.dtype)


def along_rows(x: object, reference: Array) -> Array | float:
    """``x`` like ``reference``, shaped to broadcast along its FIRST axis: (p,) meets (p, k) as (p, 1)."""
    values = like(x, reference)
    if isinstance(values, float) or values.ndim == 0:
        return values
    missing = max(reference.ndim - values.ndim, 0)
    return namespace(reference).reshape(values, (*values.shape, *(1,) * missing))


def any_true(x: object) -> bool:
    """Whether any entry of ``x``, a bool or an array of them, is known to be true; a traced one is not."""
    if is_traced(x):
        return False
    return bool(namespace(x).any(x)) if is_array(x) else bool(x)


def is_traced(x: object) -> bool:
    """Whether ``x`` is a stand-in without values, as JAX and TensorFlow pass through a function that they compile."""
    if _is_tensorflow(x):
        return bool(sys.modules["tensorflow"].is_symbolic_tensor(x))
    if not _is_jax(x):
        return False
    return isinstance(x, importlib.import_module("jax").core.Tracer)


def segment_sum(values: Array, segments: NDArray[np.int64], n_segments: int) -> Array:
    """Sums (n_segments,) of the ``values`` (p,) with the same number in ``segments`` (p,), from 0."""
    xp = namespace(values)
    if _is_jax(values):
        return xp.zeros(n_segments, dtype=values.dtype).at[segments].add(values)
    if _is_tensorflow(values):
        return xp.segment_sum(values, segments, n_segments)
    if _is_torch(values):
        where = xp.asarray(np.array(segments), device=values.device)
        return xp.zeros(n_segments, dtype=values.dtype, device=values.device).index_add(0, where, values)
    totals = np.zeros(n_segments, dtype=values.dtype)
    np.add.at(totals, segments, values)
    return totals


def segment_max(values: Array, segments: NDArray[np.int64], n_segments: int) -> Array:
    """The largest (n_segments,) of the ``values`` (p,) with the same number in ``segments`` (p,), and of 0."""
    xp = namespace(values)
    if _is_jax(values):
        return xp.zeros(n_segments, dtype=values.dtype).at[segments].max(values)
    if _is_tensorflow(values):
        return xp.segment_max(values, segments, n_segments)
    if _is_torch(values):
        where = xp.asarray(np.array(segments), device=values.device)
        largest = xp.zeros(n_segments, dtype=values.dtype, device=values.device)
        return largest.scatter_reduce(0, where, values, "amax")
    found = np.zeros(n_segments, dtype=values.dtype)
    np.maximum.at(found, segments, values)
    return found


def spread(values: Array, segments: NDArray[np.int64]) -> Array:
    """``values`` (s,) read at ``segments`` (p,): the way back from ``segment_sum``, shape (p,)."""
    if _is_torch(values):
        return values[namespace(values).asarray(np.array(segments), device=values.device)]
    if _is_tensorflow(values):
        return _tensorflow().spread(values, segments)
    return values[segments]


def installed_kinds() -> dict[str, Any]:
    """The namespaces of those ``KINDS`` whose package is installed here."""
    present = [kind for kind in KINDS if importlib.util.find_spec(kind) is not None]
    return {kind: importlib.import_module(KINDS[kind]) for kind in present}
