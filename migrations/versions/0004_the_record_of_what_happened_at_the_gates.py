"""The record of what happened at the gates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "access_keys",
        sa.Column("gate_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("gate_id", "epoch", "seq", name=op.f("access_keys_pkey")),
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("gate_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rid", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("zone_id", sa.BigInteger(), nullable=True),
        sa.Column("admit", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("grant_id", sa.BigInteger(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", "received_at", name=op.f("access_log_pkey")),
        postgresql_partition_by="RANGE (received_at)",
    )
    op.execute("CREATE TABLE access_log_other PARTITION OF access_log DEFAULT")
    op.create_index("access_log_gate_id_idx", "access_log", ["gate_id", "id"], unique=False)
    op.create_index(
        "access_log_grant_id_idx",
        "access_log",
        ["grant_id", "id"],
        unique=False,
        postgresql_where=sa.text("grant_id IS NOT NULL"),
    )
    op.create_index("access_log_site_id_idx", "access_log", ["site_id", "id"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("gate_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("quarantine_pkey")),
    )
    op.create_index(op.f("quarantine_received_at_idx"), "quarantine", ["received_at"], unique=False)
    op.create_table(
        "gate_epochs",
        sa.Column("gate_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("highest", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["gate_id"], ["gates.id"], name=op.f("gate_epochs_gate_id_fkey")),
        sa.PrimaryKeyConstraint("gate_id", "epoch", name=op.f("gate_epochs_pkey")),
    )
    op.create_table(
        "visits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("guest_pass_id", sa.BigInteger(), nullable=False),
        sa.Column("host_user_id", sa.BigInteger(), nullable=False),
        sa.Column("gate_id", sa.BigInteger(), nullable=False),
        sa.Column("access_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gate_id"], ["gates.id"], name=op.f("visits_gate_id_fkey")),
        sa.ForeignKeyConstraint(
            ["guest_pass_id"], ["guest_passes.id"], name=op.f("visits_guest_pass_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("visits_pkey")),
        sa.UniqueConstraint("access_id", name=op.f("visits_access_id_key")),
    )
    op.create_index("visits_guest_pass_id_idx", "visits", ["guest_pass_id", "id"], unique=False)
    op.create_index(op.f("visits_host_user_id_idx"), "visits", ["host_user_id"], unique=False)
    op.create_index("visits_site_id_idx", "visits", ["site_id", "id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("visits_site_id_idx", table_name="visits")
    op.drop_index(op.f("visits_host_user_id_idx"), table_name="visits")
    op.drop_index("visits_guest_pass_id_idx", table_name="visits")
    op.drop_table("visits")
    op.drop_table("gate_epochs")
    op.drop_index(op.f("quarantine_received_at_idx"), table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_index("access_log_site_id_idx", table_name="access_log")
    op.drop_index(
        "access_log_grant_id_idx", table_name="access_log", postgresql_where=sa.text("grant_id IS NOT NULL")
    )
    op.drop_index("access_log_gate_id_idx", table_name="access_log")
    op.drop_table("access_log")
    op.drop_table("access_keys")
