"""The registry of one task's model: published versions, and the note of the one that shall serve."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from .errors import BadVersion, NoSuchVersion, RegistryUnreachable, VersionTaken
from .manifest import MANIFEST, Manifest, checked_file, checked_sha256, checked_version, parse_manifest, sha256_of
from .objects import Objects, replace_file

_CURRENT = "current.json"
_CARD = "CARD.md"
"""What a model has learnt from, for people: nothing depends on it, so no manifest names it."""


@dataclass(frozen=True, slots=True)
class Current:
    """The version that shall serve."""

    version: str
    sha256: str
    """Of its manifest."""
    before: str | None
    """The version that it took the place of; None for the first one, and after a rollback."""


@dataclass(frozen=True, slots=True)
class Published:
    """One version."""

    version: str
    published_at: datetime
    size: int
    """Bytes of all its files."""
    cer: Mapping[str, float]
    """See Manifest; empty for a damaged one, too."""


class Registry:
    """Several may use one place at once; of two promotions the last one holds. Methods block.

    All raise RegistryUnreachable when the storage fails.
    """

    def __init__(self, url: str, task: str) -> None:
        """url: a folder, or s3://bucket/prefix or another URL of fsspec's. Raises RegistryUnreachable."""
        self._objects = Objects(url)
        self._task = task

    def current(self) -> Current | None:
        """The version that shall serve, None before the first promotion. Raises BadVersion when its note is damaged."""
        raw = self._objects.read(f"{self._task}/{_CURRENT}")
        if raw is None:
            return None
        try:
            note = json.loads(raw)
            before = None if note["before"] is None else checked_version(note["before"])
            return Current(checked_version(note["version"]), checked_sha256(note["sha256"]), before)
        except (BadVersion, ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadVersion(f"the registry's {_CURRENT} is damaged, promote a version anew: {error}") from error

    def versions(self) -> list[Published]:
        """All that is published, the newest first."""
        names = [one.name for one in self._objects.list(self._task) if one.is_folder]
        found = [published for name in names if (published := self._published(name))]
        return sorted(found, key=lambda one: (one.published_at, one.version), reverse=True)

    def publish(self, folder: Path) -> str:
        """Uploads a model's folder, its manifest last, and returns its version. Nothing is promoted.

        Publishing the same again mends what is damaged there. Raises BadVersion or VersionTaken.
        """
        raw, manifest, files = _read(folder, self._task)
        there = self._objects.read(self._path(manifest.version, MANIFEST))
        if there is not None and there != raw:
            raise VersionTaken(
                f"another model is published as {manifest.version}: give this one a new version in its {MANIFEST}"
            )
        for name, data in files.items():
            self._objects.write(self._path(manifest.version, name), data)
        self._objects.write(self._path(manifest.version, MANIFEST), raw)
        return manifest.version

    def promote(self, version: str) -> Current:
        """Lets a version serve, after every byte of it was verified. Raises NoSuchVersion or BadVersion."""
        now = None
        with suppress(BadVersion):  # a damaged note is mended by the new one
            now = self.current()
        before = None if now is None else now.before if now.version == version else now.version
        return self._point(version, before)

    def rollback(self, version: str | None = None) -> Current:
        """Lets the version before serve again, or a named one. Then none is noted as the one before: a second rollback
        does not bring back what the first one took away.

        Raises NoSuchVersion or BadVersion.
        """
        if version is None:
            now = self.current()
            if now is None or now.before is None:
                raise NoSuchVersion("no version is noted as the one before: name one of those that `models list` shows")
            version = now.before
        return self._point(version, None)

    def prune(self, keep: int, spared: Collection[str] = ()) -> list[str]:
        """Deletes all but the newest `keep` versions, never the current one, the one before and those to be spared.
        Returns which."""
        deleted = []
        for old in self.versions()[keep:]:
            now = self.current()  # each time, because someone may promote meanwhile
            if old.version not in spared and (now is None or old.version not in (now.version, now.before)):
                self._objects.delete(self._path(old.version, MANIFEST))  # first: without it there is no such version
                self._objects.delete(self._path(old.version))
                deleted.append(old.version)
        return deleted

    def fetch(self, version: str, into: Path, sha256: str | None = None) -> Path:
        """Copies a version's verified files to into/VERSION, the manifest last, and returns this folder. What is there
        already is verified and not copied. Several may fetch into one folder.

        sha256: of the manifest, where it is known from `current`. Raises NoSuchVersion or BadVersion.
        """
        raw, manifest = self._manifest(version)
        if sha256 not in (None, manifest.sha256):
            raise BadVersion(f"the manifest of {version} is not the one that was promoted: promote it anew, or another")
        folder = into / manifest.version
        try:
            for name, digest in manifest.files.items():
                path = folder / name
                if not path.exists() or sha256_of(path.read_bytes()) != digest:
                    replace_file(path, self._verified(version, name, digest))
            if card := self._objects.read(self._path(version, _CARD)):
                replace_file(folder / _CARD, card)
            replace_file(folder / MANIFEST, raw)
        except OSError as error:
            raise RegistryUnreachable(f"a model cannot be kept in {folder}: {error}") from error
        return folder

    def _path(self, version: str, *name: str) -> str:
        return "/".join((self._task, checked_version(version), *name))

    def _point(self, version: str, before: str | None) -> Current:
        _, manifest = self._manifest(version)
        for name, digest in manifest.files.items():
            self._verified(version, name, digest)
        current = Current(version, manifest.sha256, before)
        self._objects.write(f"{self._task}/{_CURRENT}", json.dumps(asdict(current), indent=2).encode() + b"\n")
        return current

    def _manifest(self, version: str) -> tuple[bytes, Manifest]:
        raw = self._objects.read(self._path(version, MANIFEST))
        if raw is None:
            raise NoSuchVersion(f"nothing is published as {version}: `zorky-server models list` shows what is")
        try:
            manifest = parse_manifest(raw, self._task)
        except BadVersion as error:
            raise BadVersion(f"{version} is damaged, publish it anew under another version: {error}") from error
        if manifest.version != version:
            raise BadVersion(f"what is published as {version} says that it is {manifest.version}: publish it anew")
        return raw, manifest

    def _verified(self, version: str, name: str, digest: str) -> bytes:
        data = self._objects.read(self._path(version, name))
        if data is None or sha256_of(data) != digest:
            raise BadVersion(f"{name} of {version} is not the file that its manifest names: publish it anew")
        return data

    def _published(self, version: str) -> Published | None:
        """None for a folder that is no version, or not yet, or no more."""
        with suppress(BadVersion):
            path = self._path(version)
            files = self._objects.list(path)
            if any(file.name == MANIFEST for file in files):
                written = self._objects.written_at(f"{path}/{MANIFEST}")
                return Published(version, written, sum(file.size for file in files), self._cer(version))
        return None

    def _cer(self, version: str) -> Mapping[str, float]:
        try:
            return self._manifest(version)[1].cer
        except (BadVersion, NoSuchVersion):
            return {}


def _read(folder: Path, task: str) -> tuple[bytes, Manifest, dict[str, bytes]]:
    """Manifest and all other files of a model's folder. Raises BadVersion when they are not what the manifest says."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        manifest = parse_manifest(raw, task)
        paths = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        files = {checked_file(path.name): path.read_bytes() for path in paths if path.name != MANIFEST}
    except OSError as error:
        raise BadVersion(f"{folder} is no folder of a model: {error}") from error
    for name, digest in manifest.files.items():
        if name not in files or sha256_of(files[name]) != digest:
            raise BadVersion(f"{folder / name} is not the file that its manifest names")
    return raw, manifest, files
