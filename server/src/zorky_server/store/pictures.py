"""Pictures kept until feedback comes: one file a result, named by the result's id."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fsspec.core import url_to_fs

from .values import CannotOpen

_SETTLING = timedelta(hours=1)
"""For how long a file without a record may be one whose record is just being written."""
_OURS = re.compile(r"[0-9a-f]{32}")


class Pictures:
    """Files of a folder, or of what else fsspec reaches. Methods block; call them on a thread. They raise OSError."""

    def __init__(self, place: str) -> None:
        """place: a folder, which only its owner may enter, or a URL. Raises CannotOpen."""
        try:
            if "://" not in place:
                Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._files, self._root = url_to_fs(place, use_listings_cache=False)  # other servers write there too
            self._try()
        except ImportError as error:
            extra = "pip install 'zorky-server[s3]'" if place.startswith("s3:") else str(error)
            raise CannotOpen(f"what reaches the place set as `pictures` is not installed: {extra}") from error
        except Exception as error:  # whatever the library of the place raises: it must not serve
            raise CannotOpen(f"cannot keep pictures in the place set as `pictures`: {error}") from error

    def keep(self, result_id: str, image: bytes) -> None:
        """Writes a picture. Nothing is synced: the record's SHA-256 tells a torn file."""
        self._files.pipe_file(self._path(result_id), image)

    def read(self, result_id: str) -> bytes:
        """The bytes of a picture. Raises FileNotFoundError."""
        return bytes(self._files.cat_file(self._path(result_id)))

    def delete(self, result_ids: Collection[str]) -> None:
        """Deletes pictures; those that are not there are not missed."""
        for result_id in result_ids:
            with suppress(FileNotFoundError):
                self._files.rm_file(self._path(result_id))

    def result_ids(self) -> list[str]:
        """Of all pictures. Files that cannot be ours, by their names, are left alone."""
        try:
            paths = self._files.ls(self._root, detail=False)
        except FileNotFoundError:  # as long as there is none, object stores know no folder
            return []
        names = (str(path).rpartition("/")[2] for path in paths)
        return [name for name in names if _OURS.fullmatch(name)]

    def delete_settled(self, result_ids: Collection[str]) -> None:
        """Deletes pictures so old that their record would have been written by now."""
        settled = datetime.now(UTC) - _SETTLING
        for result_id in result_ids:
            with suppress(FileNotFoundError):
                if self._files.modified(self._path(result_id)) < settled:
                    self._files.rm_file(self._path(result_id))

    def _path(self, result_id: str) -> str:
        return f"{self._root}/{result_id}"

    def _try(self) -> None:
        """Writes and deletes, so that a place where that is not allowed is found out at start."""
        name = uuid.uuid4().hex
        self.keep(name, b"")
        self.delete([name])
