"""The one place that knows the kinds of arrays apart."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np
import pytest

from taut import arrays


@pytest.fixture(params=sorted(arrays.KINDS))
def xp(request: pytest.FixtureRequest) -> Any:
    found = arrays.installed_kinds()
    if request.param not in found:
        pytest.skip(f"{request.param} is not installed")
    return found[request.param]


def test_numbers_and_lists_compute_in_numpy() -> None:
    assert arrays.namespace() is arrays.namespace(1.0, [2, 3], np.float64(4)) is np


def test_namespace_is_that_of_the_array(xp: Any) -> None:
    x = xp.asarray([1.0, 2.0])
    own = np if type(x) is np.ndarray else array_api_compat.array_namespace(x)  # NumPy has its own since 2.1
    assert arrays.namespace(x, 3.0, np.float32(2), [1]) is own


def test_two_kinds_do_not_mix() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    with pytest.raises(TypeError):
        arrays.namespace(np.ones(2), torch.ones(2))


def test_as_float_keeps_floating_dtypes(xp: Any) -> None:
    x = xp.asarray([1.0], dtype=xp.float32)
    assert arrays.as_float(x) is x


def test_as_float_converts_integers_booleans_and_lists(xp: Any) -> None:
    for values in ([1, 0], [True, False]):
        x = arrays.as_float(xp.asarray(values))
        assert arrays.namespace(x).isdtype(x.dtype, "real floating")
        np.testing.assert_array_equal(arrays.to_numpy(x), [1.0, 0.0])
    assert arrays.as_float([1, 2]).dtype == np.float64


def test_to_numpy_keeps_dtype_and_cuts_gradients(xp: Any) -> None:
    assert arrays.to_numpy(xp.asarray([1.5], dtype=xp.float32)).dtype == np.float32
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert arrays.to_numpy(torch.ones(2, requires_grad=True)).tolist() == [1, 1]


def test_like_takes_kind_and_dtype(xp: Any) -> None:
    reference = xp.asarray([1.0], dtype=xp.float32)
    frozen = np.array([1.0, 2.0])
    frozen.flags.writeable = False
    x = arrays.like(frozen, reference)
    assert arrays.namespace(x) is arrays.namespace(reference)
    assert x.dtype == reference.dtype
    assert isinstance(arrays.like(np.float64(2), reference), float)


def test_along_rows_aligns_with_the_first_axis(xp: Any) -> None:
    w = xp.zeros((3, 3))
    assert tuple(arrays.along_rows(np.arange(3.0), w).shape) == (3, 1)
    assert tuple(arrays.along_rows(np.ones((1, 3)), w).shape) == (1, 3)
    assert arrays.along_rows(2, w) == 2.0


def test_segment_sum_and_spread(xp: Any) -> None:
    values, segments = xp.asarray([1.0, 2.0, 4.0], dtype=xp.float32), np.array([1, 0, 1])
    sums = arrays.segment_sum(values, segments, 3)
    assert sums.dtype == values.dtype
    assert arrays.to_numpy(sums).tolist() == [2, 5, 0]
    assert arrays.to_numpy(arrays.spread(sums, segments)).tolist() == [5, 2, 5]


def test_segment_max_is_at_least_zero(xp: Any) -> None:
    values, segments = xp.asarray([-1.0, 2.0, 4.0, -3.0], dtype=xp.float32), np.array([1, 0, 0, 1])
    largest = arrays.segment_max(values, segments, 3)
    assert largest.dtype == values.dtype
    assert arrays.to_numpy(largest).tolist() == [4, 0, 0]


def test_any_true_is_false_for_traced_arrays(xp: Any) -> None:
    assert arrays.any_true(True)
    assert arrays.any_true(xp.asarray([False, True]))
    assert not arrays.any_true(xp.asarray([False, False]))
    jax = pytest.importorskip("jax", reason="jax is not installed")
    seen: list[tuple[bool, bool]] = []
    jax.jit(lambda x: seen.append((arrays.is_traced(x), arrays.any_true(x == x))))(1.0)
    assert seen == [(True, False)]
    assert not arrays.is_traced(jax.numpy.ones(1))
