"""One run of the server, from loading the models to the last answer. The only file that sees every part."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import grpc
import structlog
from sqlalchemy.exc import SQLAlchemyError

from . import process
from .metrics import CannotExpose, Metrics
from .models import Models
from .registry import RegistryUnreachable
from .rpc.failures import Failures
from .rpc.journal import Journal
from .rpc.server import CannotListen, RpcServer
from .runtime.cache import Cache
from .runtime.engine import Engine
from .runtime.providers import ProviderMissing
from .settings import Settings
from .storage import opened_store
from .store import CannotOpen, Store
from .tasks.handwriting.model import BadModel
from .tracing import CannotTrace, Tracing

_SWEEP_EVERY = 600.0
"""Seconds between two searches for expired results."""
_COUNT_EVERY = 5.0
"""Seconds between two writes of how many calls failed."""
_SHORTEST_TOKEN = 16
"""Characters: fewer can be guessed."""

log = structlog.get_logger("zorky.serving")

Signals = asyncio.Queue[signal.Signals]


class CannotServe(Exception):
    """Raised when the server cannot start; the message is for the person who started it."""


async def run(settings: Settings, port_file: Path | None) -> int:
    """Serves until a signal or a broken worker. Returns the exit status. Raises CannotServe."""
    signals = _caught_signals()
    process.prepare()
    try:
        with closing(Metrics()) as metrics, closing(Tracing()) as traces:
            return await _serve(settings, port_file, signals, metrics, traces)
    except (
        BadModel,
        CannotExpose,
        CannotListen,
        CannotOpen,
        CannotTrace,
        ProviderMissing,
        RegistryUnreachable,
    ) as error:
        raise CannotServe(str(error)) from error


async def _serve(
    settings: Settings, port_file: Path | None, signals: Signals, metrics: Metrics, traces: Tracing
) -> int:
    failures = Failures()
    models = Models(settings, metrics)
    credentials, admin_token = _credentials(settings), _admin_token(settings)
    engine = Engine(
        workers=settings.workers, budget=settings.batch_pixels, max_pending=settings.max_pending, metrics=metrics
    )
    async with _kept_store(settings) as store, _counting(store, failures):
        server = RpcServer(
            models,
            engine,
            store,
            Journal(metrics, traces, failures),
            stream_items=2 * settings.workers,
            result_lifetime=settings.result_lifetime,
            readings=Cache(settings.cache_mib * 2**20) if settings.cache_mib else None,
            admin_token=admin_token,
        )
        port = server.listen(settings.host, settings.port, credentials)
        _expose(metrics, settings, port_file)
        async with _working(engine) as broken:
            await server.start()
            await server.announce()
            log.info("serving", host=settings.host, port=port, model=models.current.reader.identity.version)
            _tell(settings, port, port_file)
            async with _beside(models.follow()):
                return await _until_told(signals, broken, server, models, settings)


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """TLS, when it is set. Warns when callers from elsewhere would send pictures in the clear."""
    if settings.tls_cert is None or settings.tls_key is None:
        if not _is_loopback(settings.host):
            log.warning("pictures travel unencrypted: set tls_cert and tls_key", host=settings.host)
        return None
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.tls_cert, settings.tls_key)
        return grpc.ssl_server_credentials([(settings.tls_key.read_bytes(), settings.tls_cert.read_bytes())])
    except OSError as error:  # SSLError is one
        raise CannotServe(f"tls_cert and tls_key are not a certificate and its key: {error}") from error


def _admin_token(settings: Settings) -> str:
    """What callers of AdminService have to show; empty where nobody may call it."""
    if settings.admin_token_file is None:
        return ""
    if settings.tls_cert is None and not _is_loopback(settings.host):
        raise CannotServe(
            f"with admin_token_file set and host {settings.host} the token would travel unencrypted: set tls_cert and "
            "tls_key, or host 127.0.0.1"
        )
    try:
        token = settings.admin_token_file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotServe(f"cannot read admin_token_file {settings.admin_token_file}: {error}") from None
    if len(token) < _SHORTEST_TOKEN or not token.isprintable():
        raise CannotServe(
            f"admin_token_file must hold one line of at least {_SHORTEST_TOKEN} characters: openssl rand -hex 32"
        )
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def _kept_store(settings: Settings) -> AsyncIterator[Store]:
    """The store, swept every now and then."""
    async with opened_store(settings) as store, _beside(_sweep(store)):
        yield store


async def _sweep(store: Store) -> None:
    while True:
        try:
            await store.sweep()
        except (OSError, SQLAlchemyError):
            log.exception("sweep failed")
        await asyncio.sleep(_SWEEP_EVERY)


@asynccontextmanager
async def _counting(store: Store, failures: Failures) -> AsyncIterator[None]:
    """Writes down now and then how many calls failed, and what is left at the end."""

    async def write() -> None:
        if taken := failures.take():
            try:
                await store.count_failures(taken)
            except (OSError, SQLAlchemyError):
                failures.give_back(taken)
                log.exception("failures were not counted")

    async def write_on() -> None:
        while True:
            await asyncio.sleep(_COUNT_EVERY)
            await write()

    writing = asyncio.create_task(write_on())
    try:
        yield
    finally:
        writing.cancel()
        await write()


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on as long as the body."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def _working(engine: Engine) -> AsyncIterator[asyncio.Future[None]]:
    broken = engine.start()
    try:
        yield broken
    finally:
        await engine.stop()


def _expose(metrics: Metrics, settings: Settings, port_file: Path | None) -> None:
    """Serves the metrics, where that is set. Their port file is there before the other one."""
    if settings.metrics_port is None:
        return
    port = metrics.serve(settings.metrics_host, settings.metrics_port)
    log.info("metrics", host=settings.metrics_host, port=port)
    if port_file:
        _write(port, port_file.with_name(f"{port_file.name}.metrics"))


def _tell(settings: Settings, port: int, port_file: Path | None) -> None:
    """Says where it serves: to the person, and to the script that reads the port file."""
    click.echo(f"zorky-server {version('zorky-server')} serving on {settings.host}:{port}")
    if port_file:
        _write(port, port_file)


def _write(port: int, file: Path) -> None:
    """The file is there at once, whole."""
    try:
        draft = file.with_name(f"{file.name}.new")
        draft.write_text(f"{port}\n")
        draft.replace(file)
    except OSError as error:
        raise CannotServe(f"cannot write the port file {file}: {error.strerror}") from error


def _caught_signals() -> Signals:
    signals: Signals = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    return signals


async def _until_told(
    signals: Signals, broken: asyncio.Future[None], server: RpcServer, models: Models, settings: Settings
) -> int:
    """Waits for a signal and stops in peace; for a second one, or a broken worker, and stops at once. SIGHUP reloads
    the models."""
    told = asyncio.create_task(_told_to_stop(signals, models))
    ends: list[asyncio.Future[Any]] = [told, broken]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if told.done():
        lame_duck = settings.lame_duck if told.result() is signal.SIGTERM else 0.0
        log.info("stopping", signal=told.result().name, lame_duck=lame_duck, grace=settings.grace)
        told_again = asyncio.create_task(_told_to_stop(signals, models))
        stopping = asyncio.create_task(server.stop(lame_duck, settings.grace))
        ends = [stopping, told_again, broken]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            return 0
    if broken.done():
        log.error("a worker broke", exc_info=broken.exception())
    await server.abort()
    return 1


async def _told_to_stop(signals: Signals, models: Models) -> signal.Signals:
    """The first signal that asks to stop."""
    reloads: set[asyncio.Task[None]] = set()
    while (told := await signals.get()) is signal.SIGHUP:
        reloads.add(task := asyncio.create_task(_reload(models)))
        task.add_done_callback(reloads.discard)
    return told


async def _reload(models: Models) -> None:
    """Its outcome is in the log."""
    with suppress(BadModel):
        await models.reload()
