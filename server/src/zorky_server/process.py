"""What this process asks of the C libraries under it: to leave the cores to the workers, and to give memory back."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import cv2

_LARGE = 4 * 2**20
"""Bytes: memory blocks of this size are whole pictures and are given back at once."""
_KEPT = 16 * 2**20
"""Bytes of free memory that each heap keeps: the next page needs them, and would have to map them anew."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h."""


def prepare() -> None:
    """Call it before any model is loaded.

    OpenCV keeps to the thread that calls it: threads of its own would work against the other workers. glibc gives
    memory of whole pictures back at once: by default it learns from each large block that it frees to keep such blocks,
    and a few large pictures then cost hundreds of MiB for good.
    """
    cv2.setNumThreads(1)
    with suppress(AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_TRIM_THRESHOLD, _KEPT)


def return_memory() -> None:
    """Has glibc give back the pages that loading and unloading models left free between others."""
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
