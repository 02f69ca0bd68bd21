"""Hostile model files as a table: whole files that are no models, and models with one thing changed."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

Change = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], Any]


class Bomb:
    """What unpickling would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("import os; os.mkdir('exploded')",))


def header(text: str | bytes, body: bytes = b"", length: int | None = None) -> bytes:
    content = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(content) if length is None else length) + content + body


def tensor(**entry: Any) -> str:
    return json.dumps({"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8], **entry}})


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.array([Bomb()], dtype=object))
    return file.getvalue()


def torch_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Bomb()))
        archive.writestr("../../etc/cron.d/x", "* * * * * root true")
    return file.getvalue()


def many(count: int) -> bytes:
    entries = {f"t{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(count)}
    return header(json.dumps(entries))


WHOLE_FILES: dict[str, bytes] = {
    "empty": b"",
    "seven bytes": b"x" * 7,
    "eight bytes": struct.pack("<Q", 0),
    "a pickle": pickle.dumps(Bomb()),
    "an old pickle": pickle.dumps(Bomb(), protocol=0),
    "a pickle behind a header": header("{}", pickle.dumps(Bomb())),
    "an npz of pickles": npz(),
    "a torch archive with a traversal name": torch_zip(),
    "a gzip": gzip.compress(b"\0" * 1000),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "a script": b"#!/bin/sh\ntouch exploded\n",
    "a configuration of classes": b'{"class_name": "Lambda", "config": {"module": "os", "function": "system"}}',
    "a header of 2^63 bytes": header("{}", length=1 << 63),
    "a header of 2^40 bytes": header("{}", length=1 << 40),
    "a header longer than the file": header("{}", length=999),
    "a header of 2 MB": header(" " * (2 << 20)),
    "a header that is not JSON": header("not json!"),
    "a header that is not UTF-8": header(b"\xff\xfe{}"),
    "a header that is a list": header("[]"),
    "a header of nested lists": header("[" * 100_000),
    "a header of nested tables": header('{"a":' * 50_000 + "1" + "}" * 50_000),
    "an offset behind the end": header(tensor(data_offsets=[0, 8000], shape=[1000]), bytes(8)),
    "offsets in reverse": header(tensor(data_offsets=[8, 0]), bytes(8)),
    "a negative offset": header(tensor(data_offsets=[-8, 0]), bytes(8)),
    "offsets that wrap around": header(tensor(data_offsets=[(1 << 64) - 8, 0]), bytes(8)),
    "a shape that wraps around": header(tensor(shape=[1 << 33, 1 << 33]), bytes(8)),
    "a negative shape": header(tensor(shape=[-1]), bytes(8)),
    "a shape of text": header(tensor(shape="os.system"), bytes(8)),
    "a shape that does not fit its offsets": header(tensor(shape=[3]), bytes(8)),
    "an unknown type": header(tensor(dtype="PYOBJECT"), bytes(8)),
    "overlapping tensors": header(
        '{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}', bytes(8)
    ),
    "a name twice": header(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"ab"
    ),
    "bytes behind the tensors": header(tensor(), bytes(800)),
    "metadata that is no text": header('{"__metadata__":{"taut":{"schema":"1"}}}'),
    "no metadata": header(tensor(), bytes(8)),
    "metadata of another tool": header('{"__metadata__":{"format":"pt"}}'),
    "labels that are not JSON": header('{"__metadata__":{"taut":"import os"}}'),
    "labels that are a list": header('{"__metadata__":{"taut":"[]"}}'),
    "labels of nested lists": header(json.dumps({"__metadata__": {"taut": "[" * 100_000}})),
    "no document": header('{"__metadata__":{"taut":"{\\"schema\\":\\"1\\"}"}}'),
    "sixteen thousand tensors": many(16_000),
}  # fmt: skip


def _zeros(*shape: int, dtype: Any = np.float64) -> Any:
    return np.zeros(shape, dtype=dtype)


# d: the document, t: the tensors, m: the labels of a whole and valid model of 8 λ.
CHANGES: dict[str, Change] = {
    "a schema to come": lambda d, t, m: m.update(schema="99"),
    "a schema that is an object": lambda d, t, m: m.update(schema={"os": "system"}),
    "no setting": lambda d, t, m: d.pop("setting"),
    "a setting of text": lambda d, t, m: d.update(setting="os.system"),
    "a function for a loss": lambda d, t, m: d["path"].update(loss="os.system"),
    "a module for a path": lambda d, t, m: d["path"].update(kind="subprocess"),
    "an activation to evaluate": lambda d, t, m: d["layers"].update(activation="builtins.eval"),
    "an activation that is a list": lambda d, t, m: d["layers"].update(activation=["relu"]),
    "another number of features": lambda d, t, m: d["path"].update(p=7),
    "2^60 features": lambda d, t, m: d["path"].update(p=1 << 60),
    "minus one feature": lambda d, t, m: d["path"].update(p=-1),
    "more layers than there are": lambda d, t, m: d["layers"].update(count=5),
    "no layers": lambda d, t, m: d["layers"].update(count=0),
    "2^60 layers": lambda d, t, m: d["layers"].update(count=1 << 60),
    "a place behind the path": lambda d, t, m: d.update(index=99),
    "a negative place": lambda d, t, m: d.update(index=-1),
    "no judged models": lambda d, t, m: d.update(tested=[]),
    "features that are not there": lambda d, t, m: d["setting"]["preparation"].update(selected=[10**9]),
    "one feature": lambda d, t, m: d["setting"]["preparation"].update(selected=[0]),
    "a negative feature": lambda d, t, m: d["setting"]["preparation"].update(selected=[-1]),
    "columns of an unknown kind": lambda d, t, m: d["setting"]["preparation"]["reads"][0].__setitem__(1, 99),
    "categories that are text": lambda d, t, m: d["setting"]["preparation"].update(categories="abc"),
    "a product of what is not there": lambda d, t, m: d["setting"]["preparation"]["derived"].update(terms=[[2, 0, 99]]),
    "an unknown task": lambda d, t, m: d["setting"]["target"].update(task="ranking"),
    "classes for a number": lambda d, t, m: d["setting"]["target"].update(task="classification", labels=["a", "b", "c"]),
    "an option that is none": lambda d, t, m: d["setting"]["options"].update(command="rm"),
    "a flag that is a program": lambda d, t, m: d["setting"]["options"].update(standardize="__import__('os')"),
    "layers of text": lambda d, t, m: d["setting"]["options"].update(hidden=["os"]),
    "a source that is a path": lambda d, t, m: d["setting"].update(source="/etc/passwd"),
    "infinity for a median": lambda d, t, m: d["setting"]["preparation"].update(medians=["1e999"] * 3),
    "no strengths": lambda d, t, m: t.pop("path.lambdas"),
    "strengths that rise": lambda d, t, m: t.update({"path.lambdas": np.arange(8.0)}),
    "a strength that is no number": lambda d, t, m: t.update({"path.lambdas": np.full(8, np.nan)}),
    "a negative strength": lambda d, t, m: t.update({"path.lambdas": -np.arange(8.0)}),
    "an empty path": lambda d, t, m: t.update({"path.lambdas": _zeros(0)}),
    "fewer losses": lambda d, t, m: t.update({"path.losses": _zeros(3)}),
    "intercepts of a matrix": lambda d, t, m: t.update({"path.intercepts": _zeros(8, 2)}),
    "an unknown measure": lambda d, t, m: t.update({"path.measures": np.full(8, 200, dtype=np.uint8)}),
    "whole strengths": lambda d, t, m: t.update({"path.lambdas": _zeros(8, dtype=np.int64)}),
    "short strengths": lambda d, t, m: t.update({"path.lambdas": _zeros(8, dtype=np.float32)}),
    "scores of another length": lambda d, t, m: t.update({"scores.lambdas": _zeros(99), "scores.folds": _zeros(3, 99)}),
    "layers of another width": lambda d, t, m: t.update({"layers.coefs.0": _zeros(3, 1)}),
    "more outputs": lambda d, t, m: t.update({"layers.coefs.0": _zeros(len(t["layers.coefs.0"]), 4), "layers.intercepts.0": _zeros(4)}),
    "a name that climbs": lambda d, t, m: t.update({"../../layers.coefs.0": t.pop("layers.coefs.0")}),
}  # fmt: skip
