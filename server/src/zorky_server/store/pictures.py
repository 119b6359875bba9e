"""Pictures kept until feedback comes: one file a result, named by the result's id."""

import time
from collections.abc import Collection
from pathlib import Path

_SETTLING = 3600.0
"""Seconds for which a file without a record may be one whose record is just being written."""


class PictureFolder:
    """Files in one folder that only its owner may enter. Methods block; call them on a thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder

    def keep(self, result_id: str, image: bytes) -> None:
        """Writes a picture. Nothing is synced: the record's SHA-256 tells a torn file."""
        (self._folder / result_id).write_bytes(image)

    def read(self, result_id: str) -> bytes:
        """The bytes of a picture. Raises FileNotFoundError."""
        return (self._folder / result_id).read_bytes()

    def delete(self, result_ids: Collection[str]) -> None:
        """Deletes pictures; those that are not there are not missed."""
        for result_id in result_ids:
            (self._folder / result_id).unlink(missing_ok=True)

    def settled(self) -> list[str]:
        """Ids of pictures so old that their record, if there is one, has been written."""
        settled = time.time() - _SETTLING
        return [path.name for path in self._folder.iterdir() if path.stat().st_mtime < settled]
