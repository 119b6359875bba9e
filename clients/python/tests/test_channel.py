"""Where calls go, and what must not leave this machine."""

import pytest

from zorky_client import Client, Tls
from zorky_client._channel import default_server, is_loopback


@pytest.mark.parametrize(
    "server", ["localhost:1", "127.0.0.1:1", "127.9.8.7:1", "[::1]:1", "unix:/run/zorky.sock", "localhost"]
)
def test_addresses_of_this_machine_are_known(server):
    assert is_loopback(server)


@pytest.mark.parametrize(
    "server", ["example.org:1", "10.0.0.1:1", "[2001:db8::1]:1", "dns:///localhost:1", "0.0.0.0:1", ":1"]
)
def test_other_addresses_are_not_taken_for_this_machine(server):
    assert not is_loopback(server)


def test_a_token_does_not_leave_this_machine_unencrypted():
    with pytest.raises(ValueError, match=r"must not travel unencrypted to example\.org:1: use TLS"):
        Client("example.org:1", token="geheim")
    Client("example.org:1", token="geheim", tls=Tls()).close()
    Client("localhost:1", token="geheim").close()


@pytest.mark.parametrize("token", ["тайна", "two\nlines"])
def test_a_token_that_no_header_can_carry_is_refused_at_once(token):
    with pytest.raises(ValueError, match="printable ASCII"):
        Client("localhost:1", token=token)


def test_a_timeout_is_positive():
    with pytest.raises(ValueError, match="timeout must be more than 0 seconds, not 0"):
        Client(timeout=0)


def test_the_environment_names_the_server(monkeypatch):
    monkeypatch.setenv("ZORKY_SERVER", "reader:7")
    assert default_server() == "reader:7"
    monkeypatch.delenv("ZORKY_SERVER")
    assert default_server() == "localhost:50051"
