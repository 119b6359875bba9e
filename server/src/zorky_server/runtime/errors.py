"""What the runtime refuses or fails with.

RuntimeFault
├── Overloaded       too much is pending, or the deadline cannot be met: try again after `retry_after`
├── Expired          the deadline passed before the answer was there
└── ModelFailed      a model failed on this item, or answered something impossible
"""


class RuntimeFault(Exception):
    """The runtime did not give an answer."""


class Overloaded(RuntimeFault):
    """Raised at once, before any work, when the request could not be answered in time."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which trying again is sensible."""


class Expired(RuntimeFault):
    """Raised at the deadline of a request that was admitted and is not answered yet."""


class ModelFailed(RuntimeFault):
    """Raised when a model fails on an item, or gives another number of outputs than it was given inputs."""
