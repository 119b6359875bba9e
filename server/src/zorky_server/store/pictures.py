"""Pictures kept until feedback comes: one file a result, named by the result's id."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .. import buckets
from .values import CannotOpen, StoreUnreachable

_SETTLING = timedelta(hours=1)
"""For how long a file without a record may be one whose record is just being written."""
_OURS = re.compile(r"[0-9a-f]{32}")


class Pictures:
    """Files of a folder, or of what else fsspec reaches.

    Methods block; call them on a thread. They raise OSError: StoreUnreachable when the place does not answer.
    """

    def __init__(self, place: str) -> None:
        """place: a folder, which only its owner may enter, or a URL. Raises CannotOpen."""
        try:
            if "://" not in place:
                Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._files, self._root = buckets.reached(place)
            self._limit = {"timeout": buckets.LONGEST} if self._files.async_impl else {}
            self._try()
        except ImportError as error:
            extra = "pip install 'zorky-server[s3]'" if place.startswith("s3:") else str(error)
            raise CannotOpen(f"what reaches the place set as `pictures` is not installed: {extra}") from error
        except Exception as error:  # whatever the library of the place raises: it must not serve
            raise CannotOpen(f"cannot keep pictures in the place set as `pictures`: {error}") from error

    def keep(self, result_id: str, image: bytes) -> None:
        """Writes a picture. Nothing is synced: the record's SHA-256 tells a torn file."""
        with _reaching():
            self._files.pipe_file(self._path(result_id), image, **self._limit)

    def read(self, result_id: str) -> bytes:
        """The bytes of a picture. Raises FileNotFoundError."""
        with _reaching():
            return bytes(self._files.cat_file(self._path(result_id), **self._limit))

    def delete(self, result_ids: Collection[str]) -> None:
        """Deletes pictures; those that are not there are not missed."""
        for result_id in result_ids:
            with suppress(FileNotFoundError), _reaching():
                self._files.rm_file(self._path(result_id), **self._limit)

    def result_ids(self) -> list[str]:
        """Of all pictures. Files that cannot be ours, by their names, are left alone."""
        paths: list[str] = []
        with suppress(FileNotFoundError), _reaching():  # as long as there is none, object stores know no folder
            paths = self._files.ls(self._root, detail=False, **self._limit)
        names = (path.rpartition("/")[2] for path in paths)
        return [name for name in names if _OURS.fullmatch(name)]

    def delete_settled(self, result_ids: Collection[str]) -> None:
        """Deletes pictures so old that their record would have been written by now."""
        settled = datetime.now(UTC) - _SETTLING
        for result_id in result_ids:
            with suppress(FileNotFoundError), _reaching():
                if self._files.modified(self._path(result_id)) < settled:
                    self._files.rm_file(self._path(result_id), **self._limit)

    def _path(self, result_id: str) -> str:
        return f"{self._root}/{result_id}"

    def _try(self) -> None:
        """Writes and deletes, so that a place where that is not allowed is found out at start."""
        name = uuid.uuid4().hex
        self.keep(name, b"")
        self.delete([name])


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:  # an OSError without a message
        raise StoreUnreachable(f"the place of pictures did not answer within {buckets.LONGEST} s") from error
    except OSError:
        raise
    except Exception as error:  # libraries of places raise what they like when they get no answer
        raise StoreUnreachable(f"cannot reach the place of pictures: {error}") from error
