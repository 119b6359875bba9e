"""What the recogniser can write: its charset, and how any text is folded into it."""

import re

CHARSET = (
    " 0123456789"
    "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz"
    ".,:;!?()[]{}<>\"'«»—-/\\+=*%№#&@$€₽°~_|^×§"
)
"""Class 0 of the network is the CTC blank; class i + 1 is CHARSET[i]."""

BLANK = 0

_FOLDS = str.maketrans(
    {
        "„": "«", "“": "»", "”": "»", "‟": "»", "–": "—", "―": "—", "−": "-", "‐": "-", "‑": "-",
        "’": "'", "‘": "'", "`": "'", "ʼ": "'", "…": "...", "\u00a0": " ", "\t": " ", "\n": " ", "º": "°",
    }
)  # fmt: skip
_CODES = {character: code for code, character in enumerate(CHARSET, start=1)}
_LOOSE = str.maketrans(dict.fromkeys("«»„“”", '"') | dict.fromkeys("—–", "-") | {"ё": "е", "Ё": "Е"})


def fold(text: str) -> str:
    """Text in the charset's own spelling: typographic variants folded, unknown characters dropped, spaces collapsed."""
    known = "".join(character for character in text.translate(_FOLDS) if character in _CODES)
    return re.sub(" +", " ", known).strip()


def encode(text: str) -> list[int]:
    """Class numbers of a folded text. Raises KeyError for a character outside the charset."""
    return [_CODES[character] for character in text]


def decode(classes: list[int]) -> str:
    """Greedy CTC: runs of one class become one character, blanks vanish."""
    kept = (c for c, before in zip(classes, [BLANK, *classes[:-1]], strict=True) if c not in (BLANK, before))
    return "".join(CHARSET[c - 1] for c in kept)


def loosen(text: str) -> str:
    """The form in which texts are compared for CER: quotes, dashes and ё/е count as equal, spaces are collapsed."""
    return re.sub(r"\s+", " ", text.translate(_LOOSE)).strip()
