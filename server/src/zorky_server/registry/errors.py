"""What a registry refuses.

RegistryError
├── RegistryUnreachable   the folder or bucket cannot be used now, or from here
├── NoSuchVersion         nothing is published under this version
├── VersionTaken          something else is published under this version
└── BadVersion            what is published, or shall be, is not what its manifest says
"""


class RegistryError(Exception):
    """The registry did not do what it was asked for; the message says what to do."""


class RegistryUnreachable(RegistryError):
    """Raised when the folder or bucket cannot be read or written."""


class NoSuchVersion(RegistryError):
    """Raised when nothing is published under a version."""


class VersionTaken(RegistryError):
    """Raised when another model is published under a version."""


class BadVersion(RegistryError):
    """Raised when a version, or the note of the current one, is damaged or names what it may not."""
