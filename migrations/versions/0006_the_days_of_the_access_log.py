"""The days of the access log."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A day that has rows in the default partition already stays there: they were written before anybody opened the day.
OPEN_DAYS = """
CREATE FUNCTION open_access_days(first date, days integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    day date;
    opened integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('open_access_days'));
    FOR day IN SELECT generate_series(first, first + days - 1, interval '1 day')::date LOOP
        IF to_regclass('access_log_' || to_char(day, 'YYYYMMDD')) IS NULL THEN
            BEGIN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF access_log FOR VALUES FROM (%L) TO (%L)',
                    'access_log_' || to_char(day, 'YYYYMMDD'),
                    day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'
                );
                opened := opened + 1;
            EXCEPTION WHEN check_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
    RETURN opened;
END
$$
"""


def upgrade() -> None:
    """Apply the change."""
    op.execute(OPEN_DAYS)
    op.execute("SELECT open_access_days((now() AT TIME ZONE 'UTC')::date, 7)")


def downgrade() -> None:
    """Take it back; the days that were opened stay partitions."""
    op.execute("DROP FUNCTION open_access_days(date, integer)")
