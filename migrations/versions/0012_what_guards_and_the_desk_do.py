"""What guards and the desk do."""

from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = ("ALTER TABLE grants ADD COLUMN moved_by BIGINT",)


def upgrade() -> None:
    """Apply the change."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    op.drop_column("grants", "moved_by")
