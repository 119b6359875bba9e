"""The secret that turns callers' pseudonyms and pictures into hashes which only this server can make."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

_BYTES = 32


def load_secret(path: Path) -> bytes:
    """The secret in `path`, made on first use and readable by its owner alone. Raises OSError."""
    if not path.exists():
        _create(path)
    return path.read_bytes()


def keyed_hash(secret: bytes, user_key: str) -> str:
    """HMAC-SHA-256 in hexadecimal."""
    return hmac.digest(secret, user_key.encode(), "sha256").hex()


def keyed_digest(secret: bytes, image: bytes) -> str:
    """BLAKE2b of 128 bits in hexadecimal: tells whether two pictures are the same bytes."""
    return hashlib.blake2b(image, key=secret, digest_size=16).hexdigest()


def fingerprint(secret: bytes) -> str:
    """Tells secrets apart and gives none away."""
    return hmac.digest(secret, b"which secret a store was made with", "sha256").hex()


def _create(path: Path) -> None:
    """Links a finished file into place: of two servers that start at once, one wins and both read the same."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_BYTES))
        file.flush()
        os.fsync(descriptor)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
