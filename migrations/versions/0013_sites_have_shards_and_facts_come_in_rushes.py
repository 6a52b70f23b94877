"""Sites have shards, and facts come in rushes."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE unpublished ADD COLUMN first_id BIGINT",
    "ALTER TABLE sites ADD COLUMN shard BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE sites ADD COLUMN followed BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE sites ALTER COLUMN shard DROP DEFAULT, ALTER COLUMN followed DROP DEFAULT",
    "ALTER TABLE sites ADD CONSTRAINT sites_shard_check CHECK (shard BETWEEN 0 AND 999)",
)


def upgrade() -> None:
    """Apply the change."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    op.drop_column("sites", "followed")
    op.drop_column("sites", "shard")
    op.drop_column("unpublished", "first_id")
