"""When what a gate says of itself is an alarm, when it is none, and when it is too close to tell.

An alarm is raised at one value and cleared at another, so that a value that wavers is one alarm. True is an alarm,
False is none, and None leaves things as they are.
"""

CLOCK_ALARM_MS, CLOCK_FINE_MS = 5_000, 2_000
BATTERY_ALARM, BATTERY_FINE = 15, 20


def clock_off(offset_ms: int | None) -> bool | None:
    """Tells whether a clock is so wrong that the windows of passes are."""
    if offset_ms is None or CLOCK_FINE_MS < abs(offset_ms) <= CLOCK_ALARM_MS:
        return None
    return abs(offset_ms) > CLOCK_ALARM_MS


def battery_low(percent: int | None) -> bool | None:
    """Tells whether a battery is nearly empty."""
    if percent is None or BATTERY_ALARM <= percent < BATTERY_FINE:
        return None
    return percent < BATTERY_ALARM
