"""Sparse tables: the target that lies beside one, and writing it out where what is asked for needs that."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from taut.design import SHARE, DataError, Expansion, Found, Source, Sparse, as_sparse, brief, memory
from taut.tabular.options import Options


def beside(frame: Sparse, source: Source, options: Options) -> tuple[Sparse, Source, Options]:
    """The table, and a target from the .npy file of that name, which is then called by the file's name alone."""
    target, file = options.target, Path(options.target)
    if target in frame.columns or file.suffix != ".npy":
        return frame, source, options
    try:
        data = file.read_bytes()
        y = np.load(io.BytesIO(data), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"target {brief(target)}: not a readable .npy file of numbers or texts") from error
    digest = hashlib.sha256(source.digest.encode() + data).hexdigest()
    name = file.name if file.stem in frame.columns else file.stem
    own = {**{name: column.to_native() for name, column in frame.own.items()}, name: y}
    table = as_sparse(frame.X, frame.names, own, source.name)
    return table, replace(source, digest=digest), replace(options, target=name)


def as_dense_as_asked(frame: Sparse, source: Source, options: Options, networks: bool) -> Found:
    """The table written out where the options need that; ``DataError`` where it would be too large."""
    asked = (
        (options.hidden or networks, "networks", "fit a linear model (no --hidden; compare: --linear)"),
        (options.expansion != Expansion(), "derived features", "make them before"),
        (options.categorical, "categorical columns", "encode them before"),
    )
    wanted = next(((what, instead) for is_asked, what, instead in asked if is_asked), None)
    if wanted is None:
        return Found(frame, source)
    what, instead = wanted
    size, most = 8 * len(frame) * len(frame.columns), memory() // SHARE
    if size > most:
        raise DataError(
            f"{source.name}: {what} need dense columns, and the sparse table written out takes {size / 1e9:.3g} GB,"
            f" more than {most / 1e9:.3g}, an eighth of the memory; {instead}"
        )
    said = f"sparse, and written out ({size / 1e6:.3g} MB) for {what}"
    return Found(frame.written_out(), replace(source, notes=(*source.notes, said)))
