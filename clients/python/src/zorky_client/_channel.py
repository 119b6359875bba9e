"""How to reach a server: address, TLS, token, and the settings of the channel. Shared by both clients."""

import ipaddress
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar

import grpc

from zorky_client.errors import DeadlineExceeded

DEFAULT_SERVER = "localhost:50051"
DEFAULT_TIMEOUT = 30.0
MAX_ATTEMPTS = 4
MEBIBYTE = 1 << 20

# Only UNAVAILABLE is worth a second try; gRPC itself waits as long as the server's pushback says.
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": MAX_ATTEMPTS,
                "initialBackoff": "0.2s",
                "maxBackoff": "3s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.enable_retries", 1),
    # gRPC does not retry what outgrows this buffer (256 KiB by default), and photos do.
    ("grpc.per_rpc_retry_buffer_size", 64 * MEBIBYTE),
    ("grpc.max_receive_message_length", 64 * MEBIBYTE),
    ("grpc.max_send_message_length", -1),  # the server's limit counts: GetServerInfo tells it
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.primary_user_agent", f"zorky-client/{version('zorky-client')}"),
)

ChannelT = TypeVar("ChannelT")


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS of a connection. All defaults: the server is checked against the public authorities known to gRPC."""

    root_certificates: bytes | None = None
    """PEM of the authorities to trust, in place of the public ones."""
    certificate_chain: bytes | None = None
    """PEM of the client's own certificate, for servers that ask for one."""
    private_key: bytes | None = None
    """PEM of the key to that certificate."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a client's calls go and what they carry.

    Raises:
        ValueError: the timeout is not positive, the token is none, or it would leave this machine unencrypted.
    """

    server: str
    tls: Tls | None
    token: str | None
    timeout: float

    def __post_init__(self) -> None:
        if not self.timeout > 0:
            raise ValueError(f"timeout must be more than 0 seconds, not {self.timeout}")
        if self.token and not self.tls and not is_loopback(self.server):
            raise ValueError(f"a token must not travel unencrypted to {self.server}: use TLS")
        if self.token and not (self.token.isascii() and self.token.isprintable()):
            raise ValueError("a token is made of printable ASCII characters")

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries beside its request."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def limit(self, timeout: float | None, least: float = 0.0) -> float:
        """Seconds that a call may take that asks for `timeout`; `least` or more where it asks for none."""
        return max(self.timeout, least) if timeout is None else timeout

    def not_ready(self, limit: float) -> DeadlineExceeded:
        """The error for a server that is not ready in time."""
        return DeadlineExceeded(f"the server at {self.server} is not ready after {limit:g} s")

    def no_answer(self, limit: float) -> DeadlineExceeded:
        """The error for a stream that brings no further answer in time."""
        return DeadlineExceeded(f"no further answer from {self.server} within {limit:g} s")

    def open(
        self,
        insecure: Callable[[str, list[tuple[str, str | int]]], ChannelT],
        secure: Callable[[str, grpc.ChannelCredentials, list[tuple[str, str | int]]], ChannelT],
    ) -> ChannelT:
        """A channel by one of the two functions of grpc or of grpc.aio."""
        # Proxies named by the environment are for the way out, not for this machine.
        options = [*OPTIONS, ("grpc.enable_http_proxy", int(not is_loopback(self.server)))]
        if self.tls is None:
            return insecure(self.server, options)
        tls = self.tls
        credentials = grpc.ssl_channel_credentials(tls.root_certificates, tls.private_key, tls.certificate_chain)
        return secure(self.server, credentials, options)


def default_server() -> str:
    """The server that ZORKY_SERVER names, or the one on this machine."""
    return os.environ.get("ZORKY_SERVER") or DEFAULT_SERVER


def is_loopback(server: str) -> bool:
    """Whether traffic to "host:port" stays on this machine. Names other than localhost are not looked up: no."""
    if server.startswith("unix:"):
        return True
    host = server.rpartition(":")[0].strip("[]") or server
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
