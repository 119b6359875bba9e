"""The tables. Moments are microseconds since 1970, UTC. A change here needs a revision in migrations/."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

metadata = MetaData()

results = Table(
    "results",
    metadata,
    Column("result_id", String(32), primary_key=True),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("user_hash", String(64)),
    Column("client", String(64), nullable=False, server_default=""),
    Column("model", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_sha256", String(64), nullable=False),
    Column("calibration", Text, nullable=False),
    Column("image_bytes", Integer, nullable=False),
    Column("image_digest", String(32)),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("language", String(8), nullable=False, server_default=""),
    Column("words", Integer, nullable=False, server_default="0"),
    Column("confidence", Float),
    Column("total_us", BigInteger, nullable=False, server_default="0"),
    Column("timings", JSON, nullable=False),
    Column("words_per_line", JSON, nullable=False),
    Index("ix_results_user_hash_created_at", "user_hash", "created_at"),  # who came first when, without the table
)

# A row is here exactly as long as the picture of its result is kept.
readings = Table(
    "readings",
    metadata,
    Column("result_id", ForeignKey(results.c.result_id), primary_key=True),
    Column("image_sha256", String(64), nullable=False),
    Column("reading", Text, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("feedback_id", String(32), primary_key=True),
    Column("request_id", String(128), nullable=False, unique=True),
    Column("fingerprint", String(64), nullable=False),
    Column("result_id", ForeignKey(results.c.result_id), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("kind", String(8), nullable=False, server_default=""),
    Column("rating", String(4)),
    Column("content", JSON, nullable=False),
    Column("allow_training", Boolean, nullable=False),
)

# Calls that were not answered with OK, by hours since 1970.
failures = Table(
    "failures",
    metadata,
    Column("hour", BigInteger, nullable=False),
    Column("method", String(64), nullable=False),
    Column("client", String(64), nullable=False),
    Column("status", String(32), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour", "method", "client", "status", "reason"),
)

promotions = Table(
    "promotions",
    metadata,
    Column("promotion_id", String(32), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("before", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("figures", JSON, nullable=False),
)

properties = Table(
    "properties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
