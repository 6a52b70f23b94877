"""Devices: how they are, how they are let in, what they miss, and how much passes."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Columns with a value for the rows that are there; the code gives it for new ones.
FILLED = (
    ("gates", "hardware", "TEXT", "''"),
    ("gates", "capabilities", "JSONB", "'[]'"),
    ("gates", "directions", "JSONB", "'[]'"),
    ("gates", "time_zone", "TEXT", "''"),
    ("gates", "journal_low", "BIGINT", "0"),
    ("gates", "journal_high", "BIGINT", "0"),
    ("gates", "list_revision", "BIGINT", "0"),
    ("gates", "config_revision", "BIGINT", "0"),
    ("devices", "hardware", "TEXT", "''"),
    ("devices", "switched_why", "TEXT", "''"),
)
EMPTY = (
    ("gates", "link_since", "TIMESTAMP WITH TIME ZONE"),
    ("gates", "uptime_s", "BIGINT"),
    ("gates", "rssi", "BIGINT"),
    ("gates", "temperature", "DOUBLE PRECISION"),
    ("gates", "battery", "BIGINT"),
    ("gates", "power", "TEXT"),
    ("devices", "public_key", "TEXT"),
    ("devices", "provisioned_at", "TIMESTAMP WITH TIME ZONE"),
    ("devices", "provisioned_by", "BIGINT"),
    ("devices", "switched_at", "TIMESTAMP WITH TIME ZONE"),
    ("devices", "switched_by", "BIGINT"),
    ("gate_epochs", "asked_at", "TIMESTAMP WITH TIME ZONE"),
    ("gate_epochs", "missed_at", "TIMESTAMP WITH TIME ZONE"),
)
STATEMENTS = (
    "ALTER TABLE gates ADD CONSTRAINT gates_battery_check CHECK (battery BETWEEN 0 AND 100)",
    "ALTER TABLE gates ADD CONSTRAINT gates_power_check CHECK (power IN ('mains', 'battery'))",
    "CREATE INDEX gate_epochs_asked_idx ON gate_epochs (gate_id) WHERE asked_at IS NOT NULL",
    "CREATE INDEX quarantine_gate_id_idx ON quarantine (gate_id, id)",
    """
    CREATE TABLE enrolments (
        gate_id BIGINT NOT NULL,
        token_hash BYTEA NOT NULL,
        asked_by BIGINT,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        device BYTEA,
        generation BIGINT,
        CONSTRAINT enrolments_pkey PRIMARY KEY (gate_id),
        CONSTRAINT enrolments_token_hash_key UNIQUE (token_hash),
        CONSTRAINT enrolments_used_check CHECK ((used_at IS NULL) = (generation IS NULL)),
        CONSTRAINT enrolments_device_check CHECK (device IS NULL OR used_at IS NOT NULL),
        CONSTRAINT enrolments_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (id)
    )
    """,
    """
    CREATE TABLE list_reports (
        gate_id BIGINT NOT NULL,
        revision BIGINT NOT NULL,
        reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT list_reports_pkey PRIMARY KEY (gate_id, revision),
        CONSTRAINT list_reports_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (id)
    )
    """,
    """
    CREATE TABLE gate_traffic (
        gate_id BIGINT NOT NULL,
        minutes BIGINT NOT NULL,
        began_at TIMESTAMP WITH TIME ZONE NOT NULL,
        passages BIGINT NOT NULL,
        admitted BIGINT NOT NULL,
        denied BIGINT NOT NULL,
        CONSTRAINT gate_traffic_pkey PRIMARY KEY (gate_id, minutes, began_at),
        CONSTRAINT gate_traffic_minutes_check CHECK (minutes IN (1, 15))
    )
    """,
    "CREATE INDEX gate_traffic_age_idx ON gate_traffic (minutes, began_at)",
)


def upgrade() -> None:
    """Apply the change."""
    for table, column, kind, value in FILLED:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} NOT NULL DEFAULT {value}")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT")
    for table, column, kind in EMPTY:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    for table in ("gate_traffic", "list_reports", "enrolments"):
        op.drop_table(table)
    op.drop_index("quarantine_gate_id_idx")
    for table, column, *_ in FILLED + EMPTY:
        op.drop_column(table, column)
