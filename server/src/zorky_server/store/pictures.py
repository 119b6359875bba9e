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

    def delete(self, result_ids: Collection[str]) -> None:
        """Deletes pictures; those that are not there are not missed."""
        for result_id in result_ids:
            (self._folder / result_id).unlink(missing_ok=True)

    def delete_strays(self, known: Collection[str]) -> None:
        """Deletes settled files that are not among the known ones: what a crash left between file and record."""
        settled = time.time() - _SETTLING
        for path in self._folder.iterdir():
            if path.name not in known and path.stat().st_mtime < settled:
                path.unlink(missing_ok=True)
