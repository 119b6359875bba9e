"""Folders and buckets by their URL, reached so that one that does not answer is not waited for for ever."""

from __future__ import annotations

from typing import Any

from fsspec.core import split_protocol, url_to_fs

LONGEST = 60
"""Seconds for one object of a bucket, with all attempts."""
_OPTIONS: dict[str | None, dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 5, "retries": {"max_attempts": 1}}},
}
"""By protocol: seconds and attempts for storages that wait for minutes by default. A start waits as long."""


def reached(url: str) -> tuple[Any, str]:
    """The file system of fsspec's for a folder or a URL, and the path in it. Nothing listed is remembered, since other
    servers write there too.

    Raises ImportError where the package for it is missing, ValueError where there is no such protocol, or what the
    storage raises.
    """
    files, root = url_to_fs(url, use_listings_cache=False, **_OPTIONS.get(split_protocol(url)[0], {}))
    return files, root
