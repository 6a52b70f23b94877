"""Lists of passes are published."""

import json
from hashlib import sha256

from alembic import op
from sqlalchemy import text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE site_lists
        ADD COLUMN size BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN digest BYTEA NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
        ADD COLUMN published BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN published_at TIMESTAMP WITH TIME ZONE,
        ADD CONSTRAINT site_lists_digest_check CHECK (size >= 0 AND octet_length(digest) = 32)
    """,
    """
    ALTER TABLE site_lists
        ALTER COLUMN size DROP DEFAULT, ALTER COLUMN digest DROP DEFAULT, ALTER COLUMN published DROP DEFAULT
    """,
    # From now on a revision is a moment; all that is there is of this one.
    "UPDATE site_lists SET revision = greatest(revision + 1, (extract(epoch FROM now()) * 1000)::bigint)",
    "CREATE INDEX site_lists_unpublished_idx ON site_lists (site_id) WHERE published <> revision",
    "CREATE INDEX list_reports_reported_at_idx ON list_reports (reported_at)",
)


def upgrade() -> None:
    """Apply the change."""
    for statement in STATEMENTS:
        op.execute(statement)
    _count_lines()


def downgrade() -> None:
    """Take it back."""
    op.drop_index("list_reports_reported_at_idx")
    op.drop_index("site_lists_unpublished_idx")
    op.execute(
        "ALTER TABLE site_lists DROP COLUMN size, DROP COLUMN digest, DROP COLUMN published, DROP COLUMN published_at"
    )


def _count_lines() -> None:
    """Give every list its size and its digest: the XOR of the SHA-256 of its lines."""
    connection = op.get_bind()
    counted: dict[int, tuple[int, int]] = {}
    lines = connection.execute(text("SELECT site_id, entry::text FROM list_entries WHERE entry IS NOT NULL"))
    for site_id, entry in lines:
        line = json.dumps(json.loads(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        size, digest = counted.get(site_id, (0, 0))
        counted[site_id] = size + 1, digest ^ int.from_bytes(sha256(line.encode()).digest(), "big")
    put = text("UPDATE site_lists SET size = :size, digest = :digest WHERE site_id = :site_id")
    for site_id, (size, digest) in counted.items():
        connection.execute(put, {"site_id": site_id, "size": size, "digest": digest.to_bytes(32, "big")})
