"""`zorky-train watch`: tunes the model on what people corrected, when that is due, and promotes what is better.

store ─ trigger ─▶ data set of corrections ─ finetune ─▶ judge ─ promoted ─▶ registry ─▶ servers
                                                           └──── refused, and why ─────▶ store
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import structlog
from sqlalchemy.exc import SQLAlchemyError

from zorky_server.following import TASK
from zorky_server.logs import configure_logs
from zorky_server.registry import NoSuchVersion, Registry, RegistryError
from zorky_server.report.queries import answer_qualities
from zorky_server.report.span import DAY, Span
from zorky_server.settings import FILE_VARIABLE, BadSettings, Settings, load_settings
from zorky_server.storage import opened_store
from zorky_server.store import CannotOpen, Promotion
from zorky_server.tasks.handwriting.model import BadModel, load_model

from . import attempt
from .corrections.dataset import Summary, build
from .evidence import gather
from .finetune import base_version, finetune, next_version
from .fonts import fetch
from .judge import LEAST_LINES, REFUSED
from .lines import Sources
from .samples import labelled
from .trigger import EARLIER_DAYS, RECENT_DAYS, Quality, reason_to_tune

log = structlog.get_logger("zorky.watch")

Outcome = Literal["nothing to do", "promoted", "refused"]
_LEARNT_UNTIL = "learnt_until"
"""Figure of an attempt, and of no promotion by hand: what was said after it, in microseconds since 1970, is new."""
_FAILURES = (BadModel, CannotOpen, RegistryError, SQLAlchemyError, OSError, ValueError)


class CannotWatch(Exception):
    """Raised when watching cannot begin; the message says what to do."""


@dataclass(frozen=True)
class Place:
    """Where everything is. frozen: labelled folders, see `evidence.gather`. work: a folder that stays between looks.
    keep: versions in the registry."""

    settings: Settings
    registry: Registry
    frozen: list[Path]
    sources: Sources
    work: Path
    keep: int


def watch_once(place: Place, enough: int) -> Outcome:
    """Looks whether tuning is due, and does it. enough: new corrections that suffice by themselves.

    Stopped at any moment it goes on from there when it is called again. Raises what is in _FAILURES.
    """
    if stopped := attempt.kept(place.work):
        return _settled(place, stopped)
    reason, corrections = asyncio.run(_reason(place.settings, enough)), place.work / attempt.CORRECTIONS
    if reason is None:
        if corrections.exists():  # so that what people took back goes soon
            asyncio.run(_built(place.settings, corrections))
        return "nothing to do"
    log.info("tuning is due", reason=reason)
    learnt_until = _now()
    lines = {part: len(rows) for part, rows in asyncio.run(_built(place.settings, corrections)).rows.items()}
    if not lines["train"] or lines["test"] < LEAST_LINES:
        log.info("too few corrected lines to tune and to judge by", **lines, needed=LEAST_LINES)
        return "nothing to do"
    tried = _tuned(place, corrections, learnt_until)
    attempt.keep(place.work, tried)
    return _settled(place, tried)


def _tuned(place: Place, corrections: Path, learnt_until: int) -> Promotion:
    """Tunes the model that serves, and says what shall become of it."""
    running = _running(place)
    before = load_model(running).identity.version
    tuned = place.work / _next_version(place, before)
    if tuned.exists():  # a stop before it was judged, or before that was kept
        shutil.rmtree(tuned)
    evidence = gather(corrections, place.frozen, place.sources)
    verdict = finetune(running, _shipped(place, before), corrections, tuned, tuned.name, place.sources, evidence)
    identity = load_model(tuned).identity
    return Promotion(
        created_at=_now(),
        model=identity.name,
        version=identity.version,
        sha256=identity.sha256,
        before=before,
        verdict="promoted" if verdict.promoted else "refused",
        reason=" ".join(verdict.reasons),
        figures={**verdict.figures, _LEARNT_UNTIL: learnt_until},
    )


def _settled(place: Place, tried: Promotion) -> Outcome:
    """Promotes a tuned model or not, and keeps why. May be called again when it was stopped."""
    if tried.verdict == "promoted":
        serving = _serving(place)
        if serving == tried.before:
            _promote(place, tried)
        elif serving != tried.version:  # what an operator did meanwhile holds; what people said is learnt anew
            reason = f"{serving} serves meanwhile, and {tried.version} was judged against {tried.before}"
            tried = replace(tried, verdict="refused", reason=reason, figures={})
    log.info(tried.verdict, version=tried.version, before=tried.before, reason=tried.reason)
    asyncio.run(_noted(place.settings, tried))
    attempt.end(place.work)
    return "promoted" if tried.verdict == "promoted" else "refused"


def _promote(place: Place, tried: Promotion) -> None:
    """With the shipped model that it comes from, which later ones are held against."""
    base = base_version(tried.version)
    if base not in {one.version for one in place.registry.versions()}:
        place.registry.publish(_shipped(place, tried.before))
    place.registry.publish(place.work / tried.version)
    place.registry.promote(tried.version)
    place.registry.prune(place.keep, spared=(base,))


async def _reason(settings: Settings, enough: int) -> str | None:
    """Why tuning is due, None where it is not."""
    tomorrow = _now() // DAY + 1
    begin = tomorrow - RECENT_DAYS
    async with opened_store(settings, must_exist=True) as store:
        learnt = [one.figures.get(_LEARNT_UNTIL, 0) for one in await store.promotions()]
        pieces = await store.consented(max(learnt, default=0))
        async with store.snapshot() as connection:
            recent = await answer_qualities(connection, Span(begin, tomorrow))
            earlier = await answer_qualities(connection, Span(begin - EARLIER_DAYS, begin))
    corrections = sum(piece.feedback.kind != "rating" for piece in pieces)
    return reason_to_tune(corrections, enough, Quality.of(recent), Quality.of(earlier))


async def _built(settings: Settings, folder: Path) -> Summary:
    async with opened_store(settings, must_exist=True) as store:
        return await build(store, folder)


def _running(place: Place) -> Path:
    """The folder of the model that serves: the registry's current one, else that of models_dir."""
    current = place.registry.current()
    if current is None:
        return _installed(place)
    return place.registry.fetch(current.version, place.work / "running", current.sha256)


def _serving(place: Place) -> str:
    """Its version."""
    current = place.registry.current()
    return current.version if current else load_model(_installed(place)).identity.version


def _installed(place: Place) -> Path:
    return place.settings.models_dir / TASK


def _next_version(place: Place, running: str) -> str:
    """The first version after the running one that nothing was ever published as."""
    taken = {one.version for one in place.registry.versions()}
    version = next_version(running)
    while version in taken:
        version = next_version(version)
    return version


def _shipped(place: Place, version: str) -> Path:
    """The folder of the model that this version was tuned from in the end. Raises NoSuchVersion when it is gone."""
    base = base_version(version)
    if base in {one.version for one in place.registry.versions()}:
        return place.registry.fetch(base, place.work / "running")
    if load_model(_installed(place)).identity.version == base:
        return _installed(place)
    raise NoSuchVersion(f"{base}, which {version} was tuned from, is gone: publish it (`zorky-server models publish`)")


async def _noted(settings: Settings, tried: Promotion) -> None:
    """Keeps in the store what became of a model, once."""
    async with opened_store(settings, must_exist=True) as store:
        if all((one.version, one.created_at) != (tried.version, tried.created_at) for one in await store.promotions()):
            await store.add_promotion(tried)


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Raises CannotWatch where another one watches with the same folder."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (work / attempt.LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotWatch(f"another `zorky-train watch` works in {work}: name another --work") from None
        yield


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zorky-train watch`."""
    data, settings = os.environ.get("ZORKY_DATA"), os.environ.get(FILE_VARIABLE)
    parser = subparsers.add_parser("watch", help="tune and promote whenever people have corrected enough")
    parser.add_argument(
        "--settings", type=Path, default=Path(settings) if settings else None,
        help=f"the server's settings file, which names store and registry (default: ${FILE_VARIABLE})",
    )  # fmt: skip
    parser.add_argument(
        "--once", action="store_true", help=f"look once and end: status {REFUSED} if a model was refused"
    )
    parser.add_argument("--every", type=float, default=3600.0, help="seconds between two looks (default: %(default)s)")
    parser.add_argument("--corrections", type=int, default=100, help="new ones that suffice (default: %(default)s)")
    parser.add_argument("--keep", type=int, default=5, help="versions that stay in the registry (default: %(default)s)")
    parser.add_argument(
        "--frozen", type=Path, action="append", default=[],
        help="labelled folder that must not be read worse; may be given several times (default: drawn lines)",
    )  # fmt: skip
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="folder with train/ (default: $ZORKY_DATA)"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/watch"), help="folder of its own, shown to nobody")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    try:
        place = _place(arguments)
        configure_logs(place.settings.log_format, place.settings.log_level)
        with _alone(place.work):
            if not arguments.once:
                _watch(place, arguments.corrections, arguments.every)
            elif watch_once(place, arguments.corrections) == "refused":
                raise SystemExit(REFUSED)
    except KeyboardInterrupt:
        log.info("stopped, the same command goes on from here")
    except (CannotWatch, BadSettings, *_FAILURES) as error:
        raise SystemExit(f"zorky-train: {error}") from error


def _place(arguments: argparse.Namespace) -> Place:
    settings = load_settings({}, arguments.settings, os.environ)
    if settings.registry is None:
        raise CannotWatch("set registry in the settings: servers take what is promoted from there")
    if not arguments.fonts.is_dir():
        fetch(arguments.fonts)
    sources = Sources(arguments.fonts, arguments.data / "train" if arguments.data else None)
    for folder in arguments.frozen:
        labelled(folder)  # now, and not when something is to be judged
    registry = Registry(settings.registry, TASK)
    return Place(settings, registry, arguments.frozen, sources, arguments.work, arguments.keep)


def _watch(place: Place, enough: int, every: float) -> None:
    """Looks for ever. What fails may go well at the next look."""
    while True:
        try:
            watch_once(place, enough)
        except Exception:  # whatever it is, the next look may go well
            log.exception("this look failed")
        time.sleep(every)


def _now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000
