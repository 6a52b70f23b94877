"""Holds of a zone are looked up by it alone: what asks for those of a pass must not come upon this index."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MADE = "CREATE INDEX holds_zone_open_idx ON holds (zone_id, expires_at) WHERE NOT consumed"


def upgrade() -> None:
    """Apply the change."""
    op.execute("DROP INDEX holds_zone_open_idx")
    op.execute(f"{MADE} AND zone_id IS NOT NULL")


def downgrade() -> None:
    """Take it back."""
    op.execute("DROP INDEX holds_zone_open_idx")
    op.execute(MADE)
