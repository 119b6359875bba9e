"""What the server remembers: that it gave a result, and what people say of it. SQLite and a folder of pictures."""

from .store import Store, open_store
from .values import (
    Feedback,
    KeptPicture,
    NoSuchWord,
    Receipt,
    RequestIdReused,
    ResultRecord,
    StoreRefusal,
    UnknownResult,
    WordCorrection,
)

__all__ = [
    "Feedback",
    "KeptPicture",
    "NoSuchWord",
    "Receipt",
    "RequestIdReused",
    "ResultRecord",
    "Store",
    "StoreRefusal",
    "UnknownResult",
    "WordCorrection",
    "open_store",
]
