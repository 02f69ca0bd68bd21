"""TensorFlow's functions under the names of the Python array API standard: those that penalties compute with.

Numbers of Python take the dtype of the tensor that they meet, as they do in the other kinds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

Tensor = Any
int64 = tf.int64
abs = tf.abs
sign = tf.sign
sqrt = tf.sqrt
zeros_like = tf.zeros_like
ones_like = tf.ones_like
reshape = tf.reshape
permute_dims = tf.transpose
zeros = tf.zeros
astype = tf.cast


def isdtype(dtype: Any, kind: str) -> bool:
    """Whether ``dtype`` is of the kind "real floating", the only one that is asked for."""
    return kind == "real floating" and bool(dtype.is_floating)


def finfo(dtype: Any) -> Any:
    """The limits of a floating dtype."""
    return np.finfo(dtype.as_numpy_dtype)


def asarray(x: Any, dtype: Any) -> Tensor:
    """``x`` as a tensor."""
    return tf.cast(tf.convert_to_tensor(x), dtype)


def where(condition: Tensor, a: Any, b: Any) -> Tensor:
    """a where the condition holds, b elsewhere."""
    return tf.where(condition, *_alike(a, b))


def maximum(a: Any, b: Any) -> Tensor:
    """The larger of each pair."""
    return tf.maximum(*_alike(a, b))


def minimum(a: Any, b: Any) -> Tensor:
    """The smaller of each pair."""
    return tf.minimum(*_alike(a, b))


def sum(x: Tensor, axis: Any = None) -> Tensor:
    """The sum along axes."""
    return tf.reduce_sum(x, axis)


def max(x: Tensor, axis: Any = None) -> Tensor:
    """The largest along axes."""
    return tf.reduce_max(x, axis)


def any(x: Tensor, axis: Any = None) -> Tensor:
    """Whether any is true along axes."""
    return tf.reduce_any(x, axis)


def all(x: Tensor, axis: Any = None) -> Tensor:
    """Whether all are true along axes."""
    return tf.reduce_all(x, axis)


def segment_sum(values: Tensor, segments: Any, count: int) -> Tensor:
    """See ``taut.arrays.segment_sum``."""
    return tf.math.unsorted_segment_sum(values, segments, count)


def segment_max(values: Tensor, segments: Any, count: int) -> Tensor:
    """See ``taut.arrays.segment_max``."""
    return tf.maximum(tf.math.unsorted_segment_max(values, segments, count), 0)


def spread(values: Tensor, segments: Any) -> Tensor:
    """See ``taut.arrays.spread``."""
    return tf.gather(values, segments)


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Both as tensors of the dtype of the one that is a tensor."""
    (of, *_) = [x.dtype for x in (a, b) if tf.is_tensor(x)]
    return tf.convert_to_tensor(a, of), tf.convert_to_tensor(b, of)
