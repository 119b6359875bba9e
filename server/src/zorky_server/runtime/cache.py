"""Answers kept for whoever asks the same again."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")

_ENTRY = 256
"""Bytes that Python needs for an entry beside its key and its answer."""


class Cache(Generic[T]):
    """Answers of one model by what was asked. For one thread.

    They are kept pickled: so their bytes can be counted, and nobody can change them.
    """

    def __init__(self, max_bytes: int) -> None:
        """max_bytes: of all that is kept; beyond it, what nobody has asked for the longest is forgotten."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._model = ""
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, model: str, key: bytes) -> T | None:
        """The answer, if there is one. model: names the one that serves now; every other's answers are forgotten."""
        if model != self._model:
            self._model, self._bytes = model, 0
            self._answers.clear()
        if key not in self._answers:
            return None
        self._answers.move_to_end(key)
        answer: T = pickle.loads(self._answers[key])
        return answer

    def put(self, model: str, key: bytes, value: T) -> None:
        """Keeps an answer, unless another model serves by now or it alone is too large."""
        answer = pickle.dumps(value)
        if model != self._model or _size(key, answer) > self._max_bytes:
            return
        self._bytes += _size(key, answer) - self._forget(key)
        self._answers[key] = answer
        while self._bytes > self._max_bytes:
            self._bytes -= self._forget(next(iter(self._answers)))

    def _forget(self, key: bytes) -> int:
        """Returns the bytes that are free now."""
        answer = self._answers.pop(key, None)
        return 0 if answer is None else _size(key, answer)


def _size(key: bytes, answer: bytes) -> int:
    return len(key) + len(answer) + _ENTRY
