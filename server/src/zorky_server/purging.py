"""The body of `zorky-server purge`."""

from __future__ import annotations

import re
from typing import TextIO

from .settings import Settings
from .storage import opened_store
from .store import Deleted

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")


def seconds_of(span: str) -> float:
    """Of a span such as 90d or 12h. Raises ValueError."""
    if not (found := _SPAN.fullmatch(span.strip())):
        raise ValueError(f"{span!r} is no span of time: write a number and s, m, h, d or w, for example 90d")
    return float(found[1]) * _SECONDS[found[2]]


def user_key_in(file: TextIO) -> str:
    """The user key that is the file's only line. Raises ValueError, whose message does not tell it."""
    lines = file.read().splitlines()
    if len(lines) != 1 or not lines[0]:
        raise ValueError(f"the file must hold one line, the user key; it holds {len(lines)}")
    return lines[0]


async def purge(settings: Settings, older_than: float | None, user_key: str) -> Deleted:
    """Deletes results given, and failures counted, more than `older_than` seconds ago, or the results of one user.

    Raises CannotOpen, StoreUnreachable or StillRead.
    """
    async with opened_store(settings, must_exist=True) as store:
        return await (store.delete_user(user_key) if older_than is None else store.purge(older_than))
