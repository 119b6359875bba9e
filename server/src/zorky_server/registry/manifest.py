"""What a registry needs to know of a model's manifest. It may have been tampered with."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import BadVersion

MANIFEST = "manifest.json"

_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,63}")
"""Begins with a digit: no version is `..`, `current.json` or a draft."""
_FILE = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._+-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Of one version."""

    version: str
    sha256: str
    """Of the manifest's own bytes."""
    files: Mapping[str, str]
    """SHA-256 by name of each file that the model is made of."""
    cer: Mapping[str, float]
    """Character error rates by set, as measured before it was published; empty where the manifest tells none."""


def parse_manifest(raw: bytes, task: str) -> Manifest:
    """Raises BadVersion when this is no manifest of the task, or names what is no plain file beside it."""
    try:
        manifest = json.loads(raw)
        if manifest["name"] != task:
            raise BadVersion(f"this is a model for {manifest['name']!r}, not for {task!r}")
        weights = manifest["weights"].values()
        files = {checked_file(part["file"]): checked_sha256(part["sha256"]) for part in weights}
        cer = manifest.get("metrics", {}).get("cer", {})
        version = checked_version(manifest["version"])
        return Manifest(version, sha256_of(raw), files, {name: float(rate) for name, rate in cer.items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadVersion(f"this is no manifest of a model: {error!r}") from error


def checked_version(version: Any) -> str:
    """A version that can be the name of a folder. Raises BadVersion."""
    return _checked(version, _VERSION, "a version (digits, letters, . + and -, a digit first)")


def checked_file(name: Any) -> str:
    """A name that stays in its folder and is not the manifest's. Raises BadVersion."""
    if name == MANIFEST:
        raise BadVersion(f"{MANIFEST} cannot name itself as a file of the model")
    return _checked(name, _FILE, "the name of a file (letters, digits, . _ + and -, no folder)")


def checked_sha256(digest: Any) -> str:
    """64 hexadecimal digits. Raises BadVersion."""
    return _checked(digest, _SHA256, "a SHA-256")


def sha256_of(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _checked(value: Any, pattern: re.Pattern[str], meaning: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadVersion(f"{value!r} is not {meaning}")
    return value
