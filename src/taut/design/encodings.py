"""Encodings: which characters the bytes of a text are, by marks, by what decodes, and by which words come out."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from taut.design.faults import DataError, brief

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WINDOWS = "cp1252"
OTHERS = (
    "cp932", "euc_jp", "gb2312", "big5", "euc_kr", "cp1250", "cp1251", "cp1253", "cp1254", "cp850", "koi8_r", "mac_roman",
)  # fmt: skip
"""What else is tried where the bytes are neither UTF-8 nor Windows-1252."""
SPOKEN = {"cp1252": "windows-1252", "utf-8-sig": "utf-8", "cp932": "shift_jis"}
MOST_WORDS = 2000
"""Different words that are looked at."""

MOST_BY_CHANCE = 5
"""Different characters of East Asia that accented letters do not give by chance."""

_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][@-{}~\x80-\xff]*")  # a second byte of Big5 may be @ or ~
_APART = re.compile(r"[\x00-@\[-`{-\x7f]+")
_SIGNS = frozenset("€£¥°§©®™±²³µ·«»“”„‘’‚–—…¿¡\xa0¼½¾º¹ª×÷•")
MOST_WORDS_GOOD = 0.9
"""A larger share of words tells an encoding, whatever the others are."""
MOST_SIGNS = 2
"""Signs that stand at one word."""
LONG_WORD = 4
"""A Latin word of so many letters has one without an accent."""


class Encoding(NamedTuple):
    """A name that Python knows, and what is to be said of how it was found."""

    name: str
    notes: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """The name in messages."""
        return SPOKEN.get(self.name, self.name)


def marked_encoding(head: bytes) -> str:
    """The encoding that the first bytes tell: by a mark, or by the NUL in every other byte of Latin text; empty if none."""
    found = next((encoding for mark, encoding in MARKS if head.startswith(mark)), "")
    if found or len(head) < 4:
        return found
    part = head[: min(len(head), 4096) // 2 * 2]
    even, odd = part[::2].count(0), part[1::2].count(0)
    half = len(part) // 2
    if odd > 0.7 * half and not even:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and not odd else ""


def unmarked_encoding(pieces: Iterator[bytes], name: str) -> Encoding:
    """The encoding of bytes that are no UTF-8. ``DataError`` where several are as likely and none is the usual one.

    Windows-1252 is taken wherever the bytes allow it and its words are words; bytes that it has not prove another one, which
    is taken if it alone decodes everything to words of one script.
    """
    found: set[bytes] = set()
    for piece in pieces:
        found.update(_WORD.findall(piece))
        if len(found) > MOST_WORDS:
            break
    words = sorted(found)[:MOST_WORDS]
    usual = _plausible(words, WINDOWS)
    likely = [encoding for encoding in OTHERS if _plausible(words, encoding) == 1.0]
    if usual == 1.0 and not any(_is_east_asian(words, encoding) for encoding in likely):
        return Encoding(WINDOWS)
    if len(likely) == 1:
        return Encoding(
            likely[0], (f"read as {Encoding(likely[0]).spoken}, in which alone all words are words",)
        )
    if usual > MOST_WORDS_GOOD or (usual > 0.0 and not likely):
        return Encoding(WINDOWS)
    raise DataError(
        f"{name}: neither UTF-8 nor Windows-1252 ({_proof(words)}), and its words do not tell which other encoding it is"
        f"{_could_be(likely)}; say which, such as --encoding {(likely or ['cp850'])[0]}"
    )


def _is_east_asian(words: list[bytes], encoding: str) -> bool:
    """Whether pairs of bytes give several characters of East Asia, which accents of Windows-1252 rarely do."""
    letters = {c for word in words for c in word.decode(encoding) if ord(c) > 0x7F}
    return len(letters) >= MOST_BY_CHANCE and {_script(c) for c in letters} <= {"EAST ASIAN", "HANGUL"}


def _could_be(likely: list[str]) -> str:
    return f" ({' or '.join(SPOKEN.get(e, e) for e in likely[:4])} would do)" if likely else ""


def _proof(words: list[bytes]) -> str:
    """A byte that Windows-1252 has not."""
    for word in words:
        for byte in word:
            try:
                bytes([byte]).decode(WINDOWS)
            except UnicodeDecodeError:
                return f"which has no byte {byte:#04x}"
    return "in which its words would be none"


def _plausible(words: list[bytes], encoding: str) -> float:
    """1 where every word decodes to letters of one script, less where some do not, 0 where one does not decode."""
    good = 0
    for word in words:
        try:
            good += all(map(_is_word, _APART.split(word.decode(encoding))))
        except UnicodeDecodeError:
            return 0.0
    return max(good / len(words), 1e-9) if words else 1.0


def _is_word(text: str) -> bool:
    letters = [c for c in text if c not in _SIGNS]
    if len(text) - len(letters) > MOST_SIGNS or _mixed_case(text):
        return False
    scripts = {_script(c) for c in letters}
    if len(scripts - {"MARK"}) > 1:
        return False
    accented = scripts == {"LATIN"} and len(letters) >= LONG_WORD and min(map(ord, letters)) > 0x7F
    return not accented and "" not in scripts


def _mixed_case(text: str) -> bool:
    """Whether a capital follows a small letter."""
    return any(a.islower() and b.isupper() for a, b in pairwise(text))


def _script(letter: str) -> str:
    """The script of a letter; empty for what is none. A sign of East Asian writing counts as its letters do."""
    kind = unicodedata.category(letter)
    if kind.startswith("M"):
        return "MARK"
    script = unicodedata.name(letter, "").split(" ")[0]
    if script in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK", "IDEOGRAPHIC", "FULLWIDTH"):
        return "EAST ASIAN"
    return script if kind.startswith("L") else ""


def decoded(data: bytes, encoding: str, name: str, asked: bool = False) -> str:
    """The text; ``DataError`` names the line where the bytes break off or are none of the encoding."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise broken(name, encoding, data[: error.start].count(b"\n") + 1, error, asked) from error
    except UnicodeError as error:
        raise DataError(f"{name}: begins as {encoding} and breaks off ({error}); save it as UTF-8") from error


def broken(name: str, encoding: str, line: int, error: UnicodeDecodeError, asked: bool) -> DataError:
    """The error for bytes that an encoding has not."""
    if not asked:
        return DataError(f"{name}: begins as {encoding} and breaks off ({error}); save it as UTF-8")
    byte = error.object[error.start]
    return DataError(
        f"{name}: line {line} holds the byte {byte:#04x}, which {brief(encoding)} has not; say another encoding, or none"
    )
