"""Archive: arrays and a JSON document in one safetensors file; numbers and names, nothing that can run."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MAX_HEADER = 1 << 20
MAX_FILE = 1 << 32
MAX_DOCUMENT = 1 << 26
MAX_UNPACKED = 1 << 27
"""Entries that an array packed as places and values may have: 1 GB in memory."""
MAX_TENSORS = 10_000
DOCUMENT = "document"
FORMAT = "taut"
SCHEMA = "1"
DTYPES = {"F64": np.float64, "I64": np.int64, "U8": np.uint8}

Tensors = dict[str, NDArray[Any]]


class ModelFileError(ValueError):
    """A file is not a model that can be read; the message names the file and what is wrong."""


@dataclass(frozen=True, eq=False)
class Archive:
    """What a model file holds: ``labels`` short words, ``document`` names and settings, ``tensors`` numbers.

    The labels stand in the file's header, where any safetensors reader shows them. The document grows with
    the columns of the table, so it is a tensor of UTF-8 bytes: the header stays small and can be capped.
    """

    labels: dict[str, str]
    document: dict[str, Any]
    tensors: Tensors


def write_archive(path: Path, archive: Archive) -> None:
    """Write the archive so that the file is either the old one or the whole new one, whatever happens."""
    from safetensors.numpy import save

    text = json.dumps(archive.document, ensure_ascii=False, allow_nan=False).encode()
    document = np.frombuffer(text, dtype=np.uint8)
    tensors = {DOCUMENT: document} | {k: np.ascontiguousarray(v) for k, v in archive.tensors.items()}
    # One key: the library writes several in any order, and the same model is to be the same bytes.
    labels = json.dumps({"schema": SCHEMA} | archive.labels, sort_keys=True)
    write_atomically(path, save(tensors, metadata={FORMAT: labels}))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a temporary file beside ``path``, flush it to the disk, and put it in the place of ``path``."""
    with written_atomically(path) as file:
        file.write(data)


@contextlib.contextmanager
def written_atomically(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside ``path``, which it takes the place of when it is whole and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # less the user's umask
    except OSError as error:  # the name that was asked for, not the one beside it
        raise type(error)(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    # Only where folders can be opened (not on Windows) must the new name itself be flushed.
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_archive(path: Path) -> Archive:
    """Read an archive; ``ModelFileError`` unless sizes, types and shapes are right, checked before
    reading."""
    from safetensors import SafetensorError, safe_open

    _check_size(path)
    try:
        with safe_open(path, framework="numpy") as file:
            labels = _labels(path, file.metadata() or {})
            _check_slices(path, {k: file.get_slice(k) for k in file.keys()})  # noqa: SIM118
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path.name}: not a model file ({_reason(error)})") from error
    return Archive(labels, _document(path, tensors.pop(DOCUMENT, None)), tensors)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _check_size(path: Path) -> None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(f"{path}: not a regular file")
        size = status.st_size
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
    except OSError as error:
        raise ModelFileError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    if not 8 < size <= MAX_FILE or header > min(MAX_HEADER, size - 8):
        raise ModelFileError(f"{path.name}: not a model file (no safetensors header of a sensible size)")


def _labels(path: Path, metadata: dict[str, str]) -> dict[str, str]:
    if FORMAT not in metadata:
        raise ModelFileError(f"{path.name}: a safetensors file, but not a taut model")
    labels = _parsed(path, metadata[FORMAT])
    if labels.get("schema") != SCHEMA:
        shown = ascii(labels.get("schema"))[:20]
        raise ModelFileError(f"{path.name}: schema {shown}, and this taut reads {SCHEMA}; use a newer taut")
    return labels


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of a document")


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path.name}: the document is damaged ({_reason(error)})") from error
    if not isinstance(found, dict):
        raise ModelFileError(f"{path.name}: the document is not a table of settings")
    return found


def _check_slices(path: Path, slices: dict[str, Any]) -> None:
    if len(slices) > MAX_TENSORS:
        raise ModelFileError(f"{path.name}: {len(slices)} tensors, more than any model has")
    for name, part in slices.items():
        if part.get_dtype() not in DTYPES:
            raise ModelFileError(
                f"{path.name}: tensor {name[:80]!r} has type {part.get_dtype()}, which models do not use"
            )
        if name == DOCUMENT and (len(part.get_shape()) != 1 or math.prod(part.get_shape()) > MAX_DOCUMENT):
            raise ModelFileError(f"{path.name}: the document tensor has shape {part.get_shape()}")


def _document(path: Path, found: NDArray[Any] | None) -> dict[str, Any]:
    if found is None or found.dtype != np.uint8:
        raise ModelFileError(f"{path.name}: the document tensor is missing")
    return _parsed(path, _decoded(path, found))


def _decoded(path: Path, found: NDArray[Any]) -> str:
    try:
        return found.tobytes().decode()
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path.name}: the document is damaged ({_reason(error)})") from error


@dataclass(frozen=True, eq=False)
class Reader:
    """Takes tensors out of an archive by name, each checked for type and shape."""

    name: str
    tensors: Tensors

    def take(self, key: str, *shape: int | None, dtype: type = np.float64) -> NDArray[Any]:
        """Return a tensor whose shape matches ``shape`` (None: any length on that axis)."""
        found = self.tensors.get(key)
        if found is None:
            raise ModelFileError(f"{self.name}: tensor {key!r} is missing")
        fits = found.ndim == len(shape) and all(
            want in (None, have) for want, have in zip(shape, found.shape, strict=True)
        )
        if not fits or found.dtype != dtype:
            raise ModelFileError(f"{self.name}: tensor {key!r} has shape {found.shape} of {found.dtype}")
        return found

    def has(self, key: str) -> bool:
        """Whether there is such a tensor."""
        return key in self.tensors


def pack(name: str, values: NDArray[Any]) -> Tensors:
    """An array as it is, or, where most of it is zero, as the places and values that are not: bit for bit
    the same."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    flat = array.ravel()
    places = np.flatnonzero(flat.view(np.int64))  # a negative zero has a bit set, and is kept
    if 2 * len(places) >= flat.size:
        return {name: array}
    return {f"{name}.places": places.astype(np.int64), f"{name}.values": flat[places]}


def unpack(name: str, reader: Reader, shape: tuple[int, ...]) -> NDArray[Any]:
    """The array of that shape that ``pack`` wrote."""
    if reader.has(name):
        return reader.take(name, *shape)
    if math.prod(shape) > MAX_UNPACKED:
        raise ModelFileError(f"{reader.name}: tensor {name!r} of shape {shape} is too large")
    places = reader.take(f"{name}.places", None, dtype=np.int64)
    flat = np.zeros(math.prod(shape))
    if places.size and not 0 <= places.min() <= places.max() < flat.size:
        raise ModelFileError(f"{reader.name}: tensor {name!r} has places outside its shape")
    flat[places] = reader.take(f"{name}.values", len(places))
    return flat.reshape(shape)
