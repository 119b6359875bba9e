"""What the server remembers: that it gave a result, and what people say of it. A database and a folder of pictures."""

from .opening import open_store
from .store import Store
from .values import (
    CannotOpen,
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
    StillRead,
    StorePlace,
    StoreRefusal,
    StoreUnreachable,
    UnknownResult,
    WordCorrection,
)

__all__ = [
    "CannotOpen",
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
    "StillRead",
    "Store",
    "StorePlace",
    "StoreRefusal",
    "StoreUnreachable",
    "UnknownResult",
    "WordCorrection",
    "open_store",
]
