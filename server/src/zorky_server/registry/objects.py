"""Objects in a folder or a bucket, each read and written whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from fsspec.implementations.local import LocalFileSystem

from .. import buckets
from ..passwords import without_passwords
from .errors import RegistryUnreachable


class Listed(NamedTuple):
    """What stands in a folder of objects."""

    name: str
    size: int
    """Bytes."""
    is_folder: bool


class Objects:
    """Objects by their path below one place, `/` between its parts. Who calls makes sure that no part is `..`."""

    def __init__(self, url: str) -> None:
        """url: a folder, or a URL of fsspec's, as s3://bucket/prefix. Raises RegistryUnreachable."""
        if without_passwords(url) != url:
            raise RegistryUnreachable(
                "the registry's URL has a password in it: give it in the variables that its storage reads, "
                "as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        self._url = url
        try:
            self._files, self._root = buckets.reached(url)
        except ImportError as error:
            raise RegistryUnreachable(
                f"the registry {url} cannot be used: {error} (for s3://, pip install 'zorky-server[s3]')"
            ) from error
        except ValueError as error:
            raise RegistryUnreachable(f"the registry {url} cannot be used: {error}") from error
        self._is_local = isinstance(self._files, LocalFileSystem)

    def read(self, path: str) -> bytes | None:
        """The object, None where there is none. Raises RegistryUnreachable."""
        with self._reaching():
            try:
                if self._is_local:
                    return Path(self._root, path).read_bytes()
                return bytes(self._files.cat_file(f"{self._root}/{path}", timeout=buckets.LONGEST))
            except FileNotFoundError:
                self._need_place()
                return None

    def write(self, path: str, data: bytes) -> None:
        """Replaces the object: others see the one before or the new one. Raises RegistryUnreachable."""
        with self._reaching():
            if self._is_local:
                self._need_place()
                replace_file(Path(self._root, path), data)
            else:
                self._files.pipe_file(f"{self._root}/{path}", data)

    def list(self, path: str) -> list[Listed]:
        """What stands in a folder; nothing where there is none. Raises RegistryUnreachable."""
        with self._reaching():
            try:
                found = self._files.ls(f"{self._root}/{path}", detail=True)
            except FileNotFoundError:
                self._need_place()
                return []
            return [
                Listed(one["name"].rpartition("/")[2], one["size"] or 0, one["type"] == "directory") for one in found
            ]

    def written_at(self, path: str) -> datetime:
        """When an object was written. Raises RegistryUnreachable."""
        with self._reaching():
            written: datetime = self._files.modified(f"{self._root}/{path}")
            return written

    def delete(self, path: str) -> None:
        """Deletes an object, or a folder and all in it; what is not there is not missed. Raises RegistryUnreachable."""
        with self._reaching():
            try:
                self._files.rm(f"{self._root}/{path}", recursive=True)
            except FileNotFoundError:
                return

    def _need_place(self) -> None:
        """An unmounted folder or a mistyped bucket must not pass for an empty one."""
        place = self._root if self._is_local else self._root.partition("/")[0]
        if not self._files.exists(place):
            raise RegistryUnreachable(
                f"there is no {place}, which the registry {self._url} shall be in: make or mount it"
            )

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except RegistryUnreachable:
            raise
        except Exception as error:  # what storages raise has no base class in common
            raise RegistryUnreachable(
                f"the registry {self._url} cannot be used: {str(error) or repr(error)}"
            ) from error


def replace_file(path: Path, data: bytes) -> None:
    """Puts a file in the place of the one before, at once and on the disk; makes its folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
