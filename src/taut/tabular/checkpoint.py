"""Checkpoints: the finished parts of a fit in a folder, so that Ctrl-C or a power cut costs seconds, not the fit.

The folder holds ``key.json`` (which fit this is), numbered chunks with the parts finished since the last one, and one
file per state, replaced as the state moves on. Every file is written whole or not at all, and carries a checksum; one
that does not match is as good as absent: its parts are fitted again, with the same bits.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path as FilePath
from types import TracebackType
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from taut.model_file import Archive, ModelFileError, read_archive, write_archive, write_atomically
from taut.solvers import CheckpointStore, StoredPart
from taut.tabular.inputs import PreparedData
from taut.version import __version__

FOLDER, KEY = "checkpoint", "key.json"
SECONDS = 0.5
"""What was finished is written when this much time has passed: a cut costs no more than that and one part."""
PAUSE = 5.0
"""Seconds between states that cost something; more where writing one takes more than a twentieth of that."""
SEPARATOR = "|"
_CHUNK = re.compile(r"chunk-(\d+)\.safetensors")
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}")


class CheckpointError(ValueError):
    """The folder holds the checkpoint of another fit."""


@final
class CheckpointFolder(CheckpointStore):
    """A store in ``folder``, for the fit named ``key``; use it as a context: what is finished is written at the end."""

    def __init__(self, folder: FilePath, key: str) -> None:
        self.folder, self.key = folder, key
        if holds(folder, key) is False:
            raise CheckpointError(
                f"{folder}/ holds the unfinished fit of other data, options or version; delete it"
            )
        self._calls = self._chunks = 0
        self._pending: dict[str, StoredPart] = {}
        self._states: dict[str, StoredPart] = {}
        self._forgotten: list[str] = []
        self._took = 0.0
        self._known = self._read()
        self._written = time.monotonic()
        try:
            write_atomically(folder / KEY, json.dumps({"key": key, "taut": __version__}).encode())
        except OSError:
            self._tidy()
            raise

    @property
    def parts(self) -> int:
        """How many parts were found."""
        return len(self._known)

    def call(self) -> str:
        """Calls are numbered."""
        self._calls += 1
        return f"{self._calls}"

    def recall(self, name: str) -> StoredPart | None:
        """The part found in the folder at the start."""
        return self._known.get(name)

    def keep(self, name: str, part: StoredPart) -> None:
        """Keep the part, on disk within half a second."""
        self._pending[name] = part
        self._write_if_due()

    def renew(self, name: str, part: StoredPart) -> None:
        """Keep the state, on disk after the parts that led to it."""
        self._states[name] = part
        self._write_if_due()

    def due(self) -> bool:
        """Seldom enough to cost a twentieth of the time at most."""
        return time.monotonic() - self._written >= max(PAUSE, 20.0 * self._took)

    def forget(self, name: str) -> None:
        """With the next parts that are written."""
        self._states.pop(name, None)
        self._forgotten.append(name)

    def _write_if_due(self) -> None:
        if time.monotonic() - self._written >= SECONDS:
            self.write()

    def write(self) -> None:
        """Write what is finished. States come last: each may only speak of parts that are there."""
        begun = time.monotonic()
        if self._pending:
            self._chunks += 1
            _write(self.folder / f"chunk-{self._chunks:06d}.safetensors", self.key, self._pending)
        for name, part in self._states.items():
            _write(self._state(name), self.key, {name: part})
        for name in self._forgotten:
            self._state(name).unlink(missing_ok=True)
        self._pending, self._states, self._forgotten = {}, {}, []
        self._written = time.monotonic()
        self._took = self._written - begun

    def _state(self, name: str) -> FilePath:
        return self.folder / f"state-{name}.safetensors"

    def _read(self) -> dict[str, StoredPart]:
        found: dict[str, StoredPart] = {}
        if self.folder.is_dir():
            remove_temporaries(self.folder)
        for file in sorted(self.folder.glob("*.safetensors")):
            parts = _read_parts(file, self.key)
            if not parts:
                file.unlink()
            found |= parts
        chunks = (_CHUNK.fullmatch(file.name) for file in self.folder.glob("chunk-*"))
        self._chunks = max((int(chunk[1]) for chunk in chunks if chunk), default=0)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if isinstance(error, ValueError):
            # Arguments that do not fit these rows never will: there is nothing to go on from.
            self.remove()
            return
        try:
            self.write()
        finally:
            if error is not None:
                self._tidy()

    def _tidy(self) -> None:
        """Leave no folder behind without a part in it."""
        if not any(self.folder.glob("*.safetensors")):
            self.remove()

    def remove(self) -> None:
        """Forget everything: the fit is done."""
        shutil.rmtree(self.folder)


@final
class PartOfStore(CheckpointStore):
    """The part of a store that belongs to one of several fits: its calls are counted for themselves, so that none of the
    others, which may end early, decides which part is found."""

    def __init__(self, whole: CheckpointStore, name: str) -> None:
        self._whole, self._name, self._calls = whole, name, 0

    def call(self) -> str:
        """Calls are numbered behind the name of the fit."""
        self._calls += 1
        return f"{self._name}.{self._calls}"

    def recall(self, name: str) -> StoredPart | None:
        """What the whole store has."""
        return self._whole.recall(name)

    def keep(self, name: str, part: StoredPart) -> None:
        """In the whole store."""
        self._whole.keep(name, part)

    def renew(self, name: str, part: StoredPart) -> None:
        """In the whole store."""
        self._whole.renew(name, part)

    def due(self) -> bool:
        """When the whole store is."""
        return self._whole.due()

    def forget(self, name: str) -> None:
        """In the whole store."""
        self._whole.forget(name)


def holds(folder: FilePath, key: str) -> bool | None:
    """Whether ``folder`` holds the checkpoint of that fit; None where it holds none."""
    try:
        found = json.loads((folder / KEY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return isinstance(found, dict) and found.get("key") == key


def key_of(prepared: PreparedData) -> str:
    """A name for the fit: the file's digest (of the rows themselves for a frame), the options and the version."""
    setting = prepared.setting
    digest = setting.source.digest or _digest_of_rows(prepared)
    return setting.key(digest, __version__)


def _digest_of_rows(prepared: PreparedData) -> str:
    parts = [part for part in (prepared.train, prepared.test) if part is not None]
    arrays = [array for part in parts for array in (*_stored(part.X), part.y, part.weight)]
    arrays += [part.offset for part in parts if part.offset is not None]
    return _checksum([json.dumps(prepared.setting.preparation.names).encode()], arrays)


def _stored(X: Any) -> tuple[NDArray[Any], ...]:
    """The arrays that a design matrix, dense or sparse, consists of."""
    return (X,) if isinstance(X, np.ndarray) else (X.data, X.indices, X.indptr)


def remove_temporaries(folder: FilePath) -> None:
    """Delete what a write that was cut off left behind."""
    for file in folder.iterdir():
        if _TEMPORARY.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _checksum(texts: Iterable[bytes], arrays: Iterable[NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text)
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _write(path: FilePath, key: str, parts: dict[str, StoredPart]) -> None:
    documents = {name: part.document for name, part in parts.items()}
    tensors = {f"{name}{SEPARATOR}{k}": a for name, part in parts.items() for k, a in part.arrays.items()}
    labels = {"key": key, "sum": _sum(documents, tensors)}
    write_archive(path, Archive(labels, documents, tensors))


def _sum(documents: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> str:
    text = json.dumps(documents, sort_keys=True)
    return _checksum([text.encode()], (tensors[name] for name in sorted(tensors)))


def _read_parts(path: FilePath, key: str) -> dict[str, StoredPart]:
    """The parts in a file; none where it is damaged or of another fit."""
    try:
        archive = read_archive(path)
    except ModelFileError:
        return {}
    if archive.labels.get("key") != key or archive.labels.get("sum") != _sum(
        archive.document, archive.tensors
    ):
        return {}
    parts: dict[str, StoredPart] = {
        name: StoredPart(document, {}) for name, document in archive.document.items()
    }
    for name, tensor in archive.tensors.items():
        owner, _, own = name.rpartition(SEPARATOR)
        parts[owner].arrays[own] = tensor
    return parts
