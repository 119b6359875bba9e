"""What the server remembers: that it gave a result, and what people say of it. A database and a folder of pictures."""

from .store import Store, open_store
from .values import (
    Consented,
    Deleted,
    Failure,
    Feedback,
    MissedLine,
    NoSuchWord,
    OutsidePicture,
    Promotion,
    Quad,
    Receipt,
    RequestIdReused,
    ResultRecord,
    StorePlace,
    StoreRefusal,
    UnknownResult,
    WordCorrection,
)

__all__ = [
    "Consented",
    "Deleted",
    "Failure",
    "Feedback",
    "MissedLine",
    "NoSuchWord",
    "OutsidePicture",
    "Promotion",
    "Quad",
    "Receipt",
    "RequestIdReused",
    "ResultRecord",
    "Store",
    "StorePlace",
    "StoreRefusal",
    "UnknownResult",
    "WordCorrection",
    "open_store",
]
