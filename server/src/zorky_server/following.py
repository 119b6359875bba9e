"""What a server follows: the current version of a registry, with the versions that it served kept beside its data."""

from __future__ import annotations

from pathlib import Path

import structlog

from .registry import Current, Registry, RegistryError, RegistryUnreachable

log = structlog.get_logger("zorky.following")

TASK = "handwriting"
"""The folder of its model, in a registry and in models_dir."""
_KEPT = 2
"""Versions that stay on this machine: the one that serves and the one before."""


class Followed:
    """A registry, and a folder laid out like one from which a server starts when it cannot reach it. Methods block."""

    def __init__(self, url: str, kept: Path) -> None:
        """url: see Registry. kept: a folder that servers may share; made on first use. Raises RegistryUnreachable."""
        try:
            for folder in (kept.parent, kept):  # the first may be the data folder, which only its owner may enter
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RegistryUnreachable(f"a model cannot be kept in {kept}: {error}") from error
        self._registry = Registry(url, TASK)
        self._kept = Registry(str(kept), TASK)
        self._folder = kept / TASK

    def current(self) -> Current | None:
        """The version that shall serve, None where none was promoted yet. Raises RegistryError."""
        return self._registry.current()

    def fetch(self, current: Current) -> Path:
        """The verified files of this version, on this machine. Raises RegistryError."""
        return self._registry.fetch(current.version, self._folder, current.sha256)

    def serves(self, current: Current) -> None:
        """Remembers that this version can serve here, and forgets old ones."""
        try:
            self._kept.promote(current.version)
            self._kept.prune(_KEPT)
        except RegistryError as error:  # it serves all the same
            log.warning("the version that serves cannot be remembered", reason=str(error))

    def last_served(self) -> Path | None:
        """The folder of the version that served last, None where none did yet. Raises RegistryError."""
        last = self._kept.current()
        return self._folder / last.version if last else None
