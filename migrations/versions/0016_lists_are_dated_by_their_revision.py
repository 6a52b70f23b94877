"""A site's list is dated by its revision, a moment in milliseconds; the column beside it said the same."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.execute("ALTER TABLE site_lists DROP COLUMN changed_at")


def downgrade() -> None:
    """Take it back."""
    op.execute("ALTER TABLE site_lists ADD COLUMN changed_at timestamptz")
    op.execute("UPDATE site_lists SET changed_at = to_timestamp(revision / 1000.0)")
    op.execute("ALTER TABLE site_lists ALTER COLUMN changed_at SET NOT NULL")
