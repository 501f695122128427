"""A text as it reads, without what hides its words from patterns."""

import binascii
import re
import unicodedata
from base64 import b64decode

_HIDDEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_TAGS = re.compile(r"[\U000e0020-\U000e007e]+")
_SPACED = re.compile(r"\b(?:\w[ .\-_*]){5,}\w\b")
_SPACES = re.compile(r"[^\S\n]+")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{24,4096}={0,2}(?![A-Za-z0-9+/=])")
_LOOKALIKES = str.maketrans("аеорсухіјѕԁɡοαеνѵ", "aeopcyxijsdgoaevv")  # noqa: RUF001 - the point of it
_MIXED = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[\u0370-\u052f])\w{2,64}")
_LEET = str.maketrans("013457@$", "oieastas")
_LETTERS_AND_DIGITS = re.compile(r"\b(?=\w*[A-Za-z@$])(?=\w*[013457@$])[\w@$]{4,24}")
MAX_DECODED = 8


def plain(text: str) -> str:
    """The text with compatible characters made ordinary, invisible ones gone, spelled-out words
    joined, and what is encoded in it decoded behind it.
    """
    tagged = ["".join(chr(ord(c) - 0xE0000) for c in found[0]) for found in _TAGS.finditer(text)]
    text = unicodedata.normalize("NFKC", text)
    text = _HIDDEN.sub("", _TAGS.sub(" ", text))
    if not text.isascii():
        text = _MIXED.sub(lambda found: found[0].translate(_LOOKALIKES), text)
    text = _SPACED.sub(lambda found: re.sub(r"[ .\-_*]", "", found[0]), text)
    text = text.replace("\u2019", "'")
    text = _SPACES.sub(" ", text)
    unleeted = _LETTERS_AND_DIGITS.sub(lambda found: found[0].translate(_LEET), text)
    behind = [*tagged, *_decoded(text), *([unleeted] if unleeted != text else [])]
    return "\n".join([text, *behind])


def hides(text: str) -> bool:
    """Whether a text has words that nobody sees (tag characters)."""
    return len(_TAGS.findall(text)) > 0 and sum(map(len, _TAGS.findall(text))) > 8


def _decoded(text: str) -> list[str]:
    found = []
    for block in _BASE64.finditer(text):
        try:
            said = b64decode(block[0] + "=" * (-len(block[0]) % 4), validate=True).decode()
        except (binascii.Error, ValueError):
            continue
        if said.isprintable() and " " in said:
            found.append(said)
            if len(found) == MAX_DECODED:
                break
    return found
