"""`gatehouse rebuild-occupancy`: build anew from the access log where everybody is, and tell where that is not so."""

import sys
import time
from collections.abc import Sequence

from domain.access.operations.occupancy import Comparison
from domain.kernel.caller import SERVICE
from domain.kernel.errors import NotFound
from gatehouse.own_database import with_database
from gatehouse.parts import process_of
from gatehouse.settings import Settings
from server.process import Process

ROUNDS = 3
"""Whoever walks while a site is put right is left for the next round."""


async def rebuild_occupancy(settings: Settings, site_ids: Sequence[int], *, write: bool) -> None:
    """Print a line per site and per difference; end the process with 1 where differences are left."""
    left = 0
    async with with_database(settings) as settled, process_of(settled, connections=2) as process:
        for site_id in site_ids or await process.runtime.call(SERVICE, "access.list_counted_sites"):
            try:
                left += await _rebuild(process, site_id, write=write)
            except NotFound as refusal:
                sys.exit(f"gatehouse: {refusal.detail}")
    if left:
        sys.exit(1)


async def _rebuild(process: Process, site_id: int, *, write: bool) -> int:
    """Compare one site, and with ``write`` put it right; return how many differences are left."""
    for _ in range(ROUNDS):
        compared = await _compare(process, site_id, write=write)
        if not (write and compared.differences):
            break
    else:
        compared = await _compare(process, site_id, write=False)
    return compared.differences


async def _compare(process: Process, site_id: int, *, write: bool) -> Comparison:
    began = time.monotonic()
    asked = {"siteId": site_id, "write": write}
    compared: Comparison = await process.runtime.call(SERVICE, "access.rebuild_occupancy", asked)
    took = time.monotonic() - began
    done = f", {compared.repaired} put right" if write and compared.differences else ""
    print(
        f"site {site_id}: {compared.events:,} events, {compared.passes:,} passes in {took:.1f} s, "
        f"{compared.differences} differences{done}"
    )
    for zone in compared.zones:
        if zone.live != zone.rebuilt:
            print(f"  zone {zone.zone_id}: {zone.live} inside, {zone.rebuilt} by the log")
    for one in compared.differing_passes:
        live = f"in {one.live_zone_id or 'no zone'} after {one.live_entered} entries"
        log = f"in {one.rebuilt_zone_id or 'no zone'} after {one.rebuilt_entered}"
        print(f"  pass {one.pass_id}: {live}, by the log {log}")
    return compared
