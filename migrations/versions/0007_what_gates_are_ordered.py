"""What gates are ordered."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE site_modes (
        site_id BIGINT NOT NULL,
        mode TEXT NOT NULL,
        until TIMESTAMP WITH TIME ZONE,
        reason TEXT NOT NULL,
        version BIGINT NOT NULL,
        CONSTRAINT site_modes_pkey PRIMARY KEY (site_id),
        CONSTRAINT site_modes_mode_check CHECK (mode IN ('normal', 'lockdown', 'evacuate')),
        CONSTRAINT site_modes_site_id_fkey FOREIGN KEY(site_id) REFERENCES sites (id)
    )
    """,
    """
    CREATE TABLE gate_orders (
        gate_id BIGINT NOT NULL,
        own_mode TEXT NOT NULL,
        own_until TIMESTAMP WITH TIME ZONE,
        mode TEXT NOT NULL,
        until TIMESTAMP WITH TIME ZONE,
        reason TEXT NOT NULL,
        revision BIGINT NOT NULL,
        ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        published BIGINT NOT NULL,
        reported_mode TEXT,
        reported_revision BIGINT NOT NULL,
        confirmed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT gate_orders_pkey PRIMARY KEY (gate_id),
        CONSTRAINT gate_orders_mode_check CHECK (mode IN ('normal', 'free', 'locked', 'lockdown', 'evacuate')),
        CONSTRAINT gate_orders_own_mode_check CHECK (own_mode IN ('normal', 'free', 'locked')),
        CONSTRAINT gate_orders_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (id)
    )
    """,
    "CREATE INDEX gate_orders_own_until_idx ON gate_orders (own_until) WHERE own_until IS NOT NULL",
    "CREATE INDEX gate_orders_unpublished_idx ON gate_orders (gate_id) WHERE published <> revision",
    """
    CREATE TABLE gate_commands (
        id TEXT NOT NULL,
        gate_id BIGINT NOT NULL,
        number BIGINT NOT NULL,
        verb TEXT NOT NULL,
        direction TEXT,
        reason TEXT NOT NULL,
        ordered_by BIGINT,
        ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        state TEXT NOT NULL,
        code TEXT NOT NULL,
        answered_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT gate_commands_pkey PRIMARY KEY (id),
        CONSTRAINT gate_commands_gate_id_number_key UNIQUE (gate_id, number),
        CONSTRAINT gate_commands_verb_check CHECK (verb IN ('open', 'identify', 'reboot')),
        CONSTRAINT gate_commands_state_check CHECK (state IN ('waiting', 'sent', 'done', 'failed', 'expired')),
        CONSTRAINT gate_commands_gate_id_fkey FOREIGN KEY(gate_id) REFERENCES gates (id)
    )
    """,
    "CREATE INDEX gate_commands_open_idx ON gate_commands (expires_at) WHERE state IN ('waiting', 'sent')",
)


def upgrade() -> None:
    """Apply the change."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    for table in ("gate_commands", "gate_orders", "site_modes"):
        op.drop_table(table)
