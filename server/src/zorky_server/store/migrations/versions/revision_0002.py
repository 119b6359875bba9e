"""Readings of their own, facts that numbers are made of, failures, promotions and properties."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_FACTS = """
UPDATE results SET
  words = (SELECT coalesce(sum(value), 0) FROM json_each(words_per_line)),
  total_us = coalesce(CAST(round(json_extract(timings, '$.total') * 1e6) AS INTEGER), 0)
"""
_KINDS = """
UPDATE feedback SET
  rating = json_extract(content, '$.rating'),
  kind = CASE
    WHEN json_extract(content, '$.rating') IS NOT NULL THEN 'rating'
    WHEN json_extract(content, '$.text') IS NOT NULL THEN 'text'
    ELSE 'words'
  END
"""


def upgrade() -> None:
    """Makes the new tables and columns, and fills them from the old ones."""
    _move_readings()
    _widen_results()
    _widen_feedback()
    _make_tables()
    if op.get_bind().dialect.name == "sqlite":  # on PostgreSQL nobody ever had rows before this revision
        op.execute(_FACTS)
        op.execute(_KINDS)


def _move_readings() -> None:
    op.create_table(
        "readings",
        sa.Column("result_id", sa.String(32), sa.ForeignKey("results.result_id"), primary_key=True),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("reading", sa.Text, nullable=False),
    )
    kept = "SELECT result_id, image_sha256, reading FROM results WHERE image_sha256 IS NOT NULL"
    op.execute(f"INSERT INTO readings (result_id, image_sha256, reading) {kept}")
    op.drop_column("results", "image_sha256")
    op.drop_column("results", "reading")


def _widen_results() -> None:
    op.add_column("results", sa.Column("client", sa.String(64), nullable=False, server_default=""))
    op.add_column("results", sa.Column("image_digest", sa.String(32)))
    op.add_column("results", sa.Column("language", sa.String(8), nullable=False, server_default=""))
    op.add_column("results", sa.Column("words", sa.Integer, nullable=False, server_default="0"))
    op.add_column("results", sa.Column("confidence", sa.Float))
    op.add_column("results", sa.Column("total_us", sa.BigInteger, nullable=False, server_default="0"))
    op.drop_index("ix_results_expires_at", "results")
    op.drop_index("ix_results_user_hash", "results")
    op.create_index("ix_results_created_at", "results", ["created_at"])
    op.create_index("ix_results_user_hash_created_at", "results", ["user_hash", "created_at"])


def _widen_feedback() -> None:
    op.add_column("feedback", sa.Column("kind", sa.String(8), nullable=False, server_default=""))
    op.add_column("feedback", sa.Column("rating", sa.String(4)))
    op.create_index("ix_feedback_created_at", "feedback", ["created_at"])


def _make_tables() -> None:
    op.create_table(
        "failures",
        sa.Column("hour", sa.BigInteger, nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hour", "method", "client", "status", "reason"),
    )
    op.create_table(
        "promotions",
        sa.Column("promotion_id", sa.String(32), primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
    )
    op.create_table(
        "properties",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
