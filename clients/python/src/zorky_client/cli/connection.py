"""The options that say which server, and how to reach it."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from zorky_client import Client, Tls
from zorky_client._channel import DEFAULT_SERVER

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def server_options(command: F) -> F:
    """Adds the options and gives the command an open `client` in their place."""

    @wraps(command)
    def with_client(
        *args: Any,
        server: str,
        timeout: float,
        tls: bool,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        token_file: Path | None,
        **kwargs: Any,
    ) -> Any:
        wanted = tls or tls_ca or tls_cert or tls_key
        how = _tls(tls_ca, tls_cert, tls_key) if wanted else None
        token = token_file.read_text(errors="replace").strip() if token_file else None
        try:
            client = Client(server, tls=how, token=token, timeout=timeout)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        with client:
            return command(*args, client=client, **kwargs)

    for option in reversed(_OPTIONS):
        with_client = option(with_client)
    return with_client  # type: ignore[return-value]  # click's options keep no types


def _tls(ca: Path | None, certificate: Path | None, key: Path | None) -> Tls:
    if (certificate is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together: give both or none")
    return Tls(*(path.read_bytes() if path else None for path in (ca, certificate, key)))


_OPTIONS = [
    click.option(
        "--server",
        envvar="ZORKY_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        show_envvar=True,
        metavar="HOST:PORT",
        help="Where the server is.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for an answer.",
    ),
    click.option("--tls", is_flag=True, help="Encrypt, and check the server against the public authorities."),
    click.option("--tls-ca", type=FILE, metavar="FILE", help="Encrypt, and trust the authorities in this PEM file."),
    click.option("--tls-cert", type=FILE, metavar="FILE", help="Show this certificate (PEM) to the server."),
    click.option("--tls-key", type=FILE, metavar="FILE", help="The key (PEM) to that certificate."),
    click.option(
        "--token-file",
        type=FILE,
        envvar="ZORKY_TOKEN_FILE",
        show_envvar=True,
        metavar="FILE",
        help="File with the token to show to the server; needs TLS, except on this machine.",
    ),
]
