"""What `zorky-server models` does: shows what the registry has, and changes which version shall serve.

Each yields lines to print, and raises RegistryError.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .following import TASK
from .registry import BadVersion, Current, Registry, RegistryError
from .settings import Settings
from .storage import opened_store
from .store import CannotOpen, Promotion, StoreUnreachable
from .store.values import Verdict


class NoRegistry(RegistryError):
    """Raised when no registry is set."""


def listing(settings: Settings) -> Iterator[str]:
    """Every version, the newest first, and its error rates."""
    registry = _registry(settings)
    current = _current(registry)
    marks = {current.before: "before", current.version: "current"} if current else {}
    versions = registry.versions()
    if not versions:
        yield "Nothing is published."
    for one in versions:
        moment = one.published_at.strftime("%Y-%m-%d %H:%M")
        yield f"{one.version:<24}  {moment} UTC  {one.size / 1e6:6.1f} MB  {marks.get(one.version, '')}".rstrip()
        if one.cer:
            yield "    CER: " + "  ".join(f"{name} {rate:.3f}" for name, rate in one.cer.items())


def publish(settings: Settings, folder: Path) -> Iterator[str]:
    """Uploads a model's folder."""
    version = _registry(settings).publish(folder)
    yield f"published {version}; to let it serve: zorky-server models promote {version}"


def promote(settings: Settings, version: str) -> Iterator[str]:
    """Lets a version serve."""
    registry = _registry(settings)
    before = _current(registry)
    yield from _switched(settings, before, registry.promote(version), "promoted")


def rollback(settings: Settings, version: str | None) -> Iterator[str]:
    """Lets the version before serve again, or a named one. Where none is noted, because the current one is the first or
    was rolled back to, the shipped model serves again: at night there is always a way back."""
    registry = _registry(settings)
    before = _current(registry)
    if version is None and (before is None or before.before is None):
        version = registry.publish(settings.models_dir / TASK)
    yield from _switched(settings, before, registry.rollback(version), "rolled back")


def _registry(settings: Settings) -> Registry:
    if settings.registry is None:
        raise NoRegistry("no registry is set: give --registry a folder or s3://BUCKET/PREFIX, or set ZORKY_REGISTRY")
    return Registry(settings.registry, TASK)


def _current(registry: Registry) -> Current | None:
    """None where its note is damaged, too: whatever is promoted mends that."""
    with suppress(BadVersion):
        return registry.current()
    return None


def _switched(settings: Settings, before: Current | None, now: Current, verdict: Verdict) -> Iterator[str]:
    """Says what changed, and puts it on record."""
    was = before.version if before else ""
    if was == now.version:
        yield f"current: {now.version}, as before"
        return
    yield f"current: {now.version}, " + (f"in the place of {was}" if was else "the first one")
    yield f"Servers that follow the registry take it within {settings.registry_poll:g} s."
    moment = time.time_ns() // 1000
    promotion = Promotion(moment, TASK, now.version, now.sha256, was, verdict, "by hand", figures={})
    try:
        asyncio.run(_record(settings, promotion))
    except (CannotOpen, StoreUnreachable) as error:  # that it serves counts more than its record
        yield f"It is not on record: {error}"


async def _record(settings: Settings, promotion: Promotion) -> None:
    async with opened_store(settings, must_exist=True) as store:
        await store.add_promotion(promotion)
