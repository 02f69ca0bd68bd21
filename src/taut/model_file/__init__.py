"""Model files: safetensors in and out, nothing executable."""

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
    decode_layers,
    decode_path,
    decode_scores,
    encode_layers,
    encode_path,
    encode_scores,
)

__all__ = [
    "Archive",
    "ModelFileError",
    "Reader",
    "decode_layers",
    "decode_path",
    "decode_scores",
    "encode_layers",
    "encode_path",
    "encode_scores",
    "pack",
    "read_archive",
    "unpack",
    "write_archive",
    "write_atomically",
    "written_atomically",
]
