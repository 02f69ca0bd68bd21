"""Model files: safetensors in and out, nothing executable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.model_file.archive import (
        Archive,
        ModelFileError,
        Reader,
        pack,
        read_archive,
        unpack,
        write_archive,
        write_atomically,
        written_atomically,
    )
    from taut.model_file.codec import (
        decode_errors,
        decode_layers,
        decode_path,
        decode_scores,
        encode_errors,
        encode_layers,
        encode_path,
        encode_scores,
    )

open_door(
    __name__,
    {
        "archive": (
            "Archive ModelFileError Reader pack read_archive unpack write_archive write_atomically "
            "written_atomically"
        ),
        "codec": "decode_errors decode_layers decode_path decode_scores encode_errors encode_layers encode_path encode_scores",
    },
)
