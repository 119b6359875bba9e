"""Passwords in URLs, which nobody may be shown."""

import re

_BEFORE_HOST = re.compile(r"(://[^:/@]*)?:(?!//).*@")
"""What follows the user in scheme://user:password@host, and the scheme and user before it, where they are told."""
_IN_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&]*")


def without_passwords(value: str) -> str:
    """The value as it may be shown: itself where there is no password in it."""
    return _BEFORE_HOST.sub(r"\1:***@", _IN_QUERY.sub(r"\1***", value))
