"""The tables. Moments are microseconds since 1970, UTC."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Integer, MetaData, String, Table, Text

metadata = MetaData()

results = Table(
    "results",
    metadata,
    Column("result_id", String(32), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("user_hash", String(64), index=True),
    Column("model", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_sha256", String(64), nullable=False),
    Column("calibration", Text, nullable=False),
    Column("image_bytes", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("timings", JSON, nullable=False),
    Column("words_per_line", JSON, nullable=False),
    # With a kept picture only; both are emptied when the picture is deleted.
    Column("image_sha256", String(64)),
    Column("reading", Text),
)

feedback = Table(
    "feedback",
    metadata,
    Column("feedback_id", String(32), primary_key=True),
    Column("request_id", String(128), nullable=False, unique=True),
    Column("fingerprint", String(64), nullable=False),
    Column("result_id", ForeignKey(results.c.result_id), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("content", JSON, nullable=False),
    Column("allow_training", Boolean, nullable=False),
)
