"""Who is learnt from and who is measured by: a writer is one or the other, and stays it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

Part = Literal["train", "test"]

NOBODY = "nobody"
"""Writer of the lines of which no person is known. They may be by anyone, so nothing is measured by them."""
_PSEUDONYM = 12
"""Digits of the hash of a person's key."""
_TEST_SHARE = 0.2


def writer_of(user_hash: str | None) -> str:
    """The pseudonym of a person in data sets; NOBODY where none is known."""
    return user_hash[:_PSEUDONYM] if user_hash else NOBODY


def parts_of(writers: Iterable[str], before: Mapping[str, Part]) -> dict[str, Part]:
    """Where each writer's lines belong. before: where they were in the data set until now.

    A newcomer's hash decides, for every data set alike. Only where that leaves nobody to measure by, the newcomer with
    the lowest hash is measured by; never one who was learnt from, for models know those hands. Where it leaves nobody
    to learn from, the newcomer with the highest hash is learnt from.
    """
    newcomers = sorted(set(writers) - before.keys() - {NOBODY}, key=_place)
    parts: dict[str, Part] = {writer: before.get(writer, "train") for writer in writers}
    parts |= {writer: "test" for writer in newcomers if _place(writer) < _TEST_SHARE}
    known = parts.keys() - {NOBODY}
    if newcomers and len(known) > 1:
        if "test" not in parts.values():
            parts[newcomers[0]] = "test"
        elif all(parts[writer] == "test" for writer in known):
            parts[newcomers[-1]] = "train"
    return parts


def _place(writer: str) -> float:
    """Evenly spread over [0, 1), the same for a writer for ever."""
    return int.from_bytes(hashlib.blake2b(writer.encode(), digest_size=7).digest()) / (1 << 56)
