"""The place and the rights to pass."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("gate_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.BigInteger(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("admit", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trace", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("decisions_pkey")),
    )
    op.create_index(op.f("decisions_at_idx"), "decisions", ["at"], unique=False)
    op.create_table(
        "holds",
        sa.Column("gate_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.BigInteger(), nullable=False),
        sa.Column("zone_id", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consumed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("gate_id", "epoch", "rid", name=op.f("holds_pkey")),
    )
    op.create_index("holds_expires_at_idx", "holds", ["expires_at"], unique=False)
    op.create_index(
        "holds_grant_open_idx",
        "holds",
        ["grant_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("NOT consumed"),
    )
    op.create_index(
        "holds_zone_open_idx",
        "holds",
        ["zone_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("NOT consumed"),
    )
    op.create_table(
        "pass_keys",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id BETWEEN 1 AND 255", name=op.f("pass_keys_id_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("pass_keys_pkey")),
    )
    op.create_table(
        "zones",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=True),
        sa.Column("for_guests", sa.Boolean(), nullable=False),
        sa.Column("offline_policy", sa.Text(), nullable=False),
        sa.Column("inside", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("capacity > 0", name=op.f("zones_capacity_check")),
        sa.CheckConstraint("ordinal BETWEEN 0 AND 31", name=op.f("zones_ordinal_check")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("zones_site_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("zones_pkey")),
        sa.UniqueConstraint("site_id", "name", name=op.f("zones_site_id_name_key")),
        sa.UniqueConstraint("site_id", "ordinal", name=op.f("zones_site_id_ordinal_key")),
    )
    op.create_table(
        "gates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_zone_id", sa.BigInteger(), nullable=True),
        sa.Column("to_zone_id", sa.BigInteger(), nullable=True),
        sa.Column("desk", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=True),
        sa.Column("birth", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("queue_depth", sa.BigInteger(), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("firmware", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "from_zone_id IS DISTINCT FROM to_zone_id OR desk", name=op.f("gates_leads_somewhere_check")
        ),
        sa.ForeignKeyConstraint(["from_zone_id"], ["zones.id"], name=op.f("gates_from_zone_id_fkey")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("gates_site_id_fkey")),
        sa.ForeignKeyConstraint(["to_zone_id"], ["zones.id"], name=op.f("gates_to_zone_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("gates_pkey")),
        sa.UniqueConstraint("site_id", "name", name=op.f("gates_site_id_name_key")),
    )
    op.create_index("gates_desk_idx", "gates", ["site_id"], unique=True, postgresql_where=sa.text("desk"))
    op.create_table(
        "grants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("zones", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("passback", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        sa.Column("inside_zone_id", sa.BigInteger(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("entries IN ('single', 'many')", name=op.f("grants_entries_check")),
        sa.CheckConstraint("valid_from < valid_until", name=op.f("grants_window_check")),
        sa.CheckConstraint("zones > 0", name=op.f("grants_zones_check")),
        sa.ForeignKeyConstraint(["inside_zone_id"], ["zones.id"], name=op.f("grants_inside_zone_id_fkey")),
        sa.ForeignKeyConstraint(["key_id"], ["pass_keys.id"], name=op.f("grants_key_id_fkey")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("grants_site_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("grants_pkey")),
    )
    op.create_index("grants_site_window_idx", "grants", ["site_id", "valid_from"], unique=False)
    op.create_table(
        "devices",
        sa.Column("gate_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("applied_revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["gate_id"], ["gates.id"], name=op.f("devices_gate_id_fkey")),
        sa.PrimaryKeyConstraint("gate_id", name=op.f("devices_pkey")),
    )
    op.create_table(
        "guest_passes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("grant_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("host_user_id", sa.BigInteger(), nullable=False),
        sa.Column("guest_name", sa.Text(), nullable=False),
        sa.Column("guest_email", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_reason", sa.Text(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("guest_passes_grant_id_fkey")),
        sa.ForeignKeyConstraint(["host_user_id"], ["users.id"], name=op.f("guest_passes_host_user_id_fkey")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("guest_passes_site_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("guest_passes_pkey")),
        sa.UniqueConstraint("grant_id", name=op.f("guest_passes_grant_id_key")),
    )
    op.create_index(op.f("guest_passes_host_user_id_idx"), "guest_passes", ["host_user_id"], unique=False)
    op.create_index(
        "guest_passes_running_idx",
        "guest_passes",
        ["id"],
        unique=False,
        postgresql_where=sa.text("expired_at IS NULL"),
    )
    op.create_index(op.f("guest_passes_site_id_idx"), "guest_passes", ["site_id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index(op.f("guest_passes_site_id_idx"), table_name="guest_passes")
    op.drop_index(
        "guest_passes_running_idx", table_name="guest_passes", postgresql_where=sa.text("expired_at IS NULL")
    )
    op.drop_index(op.f("guest_passes_host_user_id_idx"), table_name="guest_passes")
    op.drop_table("guest_passes")
    op.drop_table("devices")
    op.drop_index("grants_site_window_idx", table_name="grants")
    op.drop_table("grants")
    op.drop_index("gates_desk_idx", table_name="gates", postgresql_where=sa.text("desk"))
    op.drop_table("gates")
    op.drop_table("zones")
    op.drop_table("pass_keys")
    op.drop_index("holds_zone_open_idx", table_name="holds", postgresql_where=sa.text("NOT consumed"))
    op.drop_index("holds_grant_open_idx", table_name="holds", postgresql_where=sa.text("NOT consumed"))
    op.drop_index("holds_expires_at_idx", table_name="holds")
    op.drop_table("holds")
    op.drop_index(op.f("decisions_at_idx"), table_name="decisions")
    op.drop_table("decisions")
