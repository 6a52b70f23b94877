"""`gatehouse export-roots`: the signed statements about a site's log, in a file that needs nobody to be checked."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from domain.access.operations.omissions import omission_in
from domain.access.operations.roots import root_in
from domain.access.rules.exported import key_line, statement_line
from domain.access.rules.statements import Omission, Root
from domain.kernel.caller import SERVICE
from domain.kernel.errors import NotFound
from gatehouse.output import whole
from gatehouse.own_database import with_database
from gatehouse.pages import every_item
from gatehouse.parts import process_of
from gatehouse.settings import Settings
from server.process import Process

# Any: the views of either list
LISTS: Mapping[str, Callable[[Any], Root | Omission]] = {
    "access.list_log_roots": root_in,
    "access.list_log_omissions": omission_in,
}


async def export_roots(settings: Settings, site_id: int, out: Path) -> None:
    """Write the file; one that is there is replaced when the new one is whole.

    Raises: BadSetting, for a file that cannot be written.
    """
    with whole(out) as lines:
        async with with_database(settings) as settled, process_of(settled, connections=2) as process:
            try:
                await process.runtime.call(SERVICE, "sites.get_site", {"siteId": site_id})
            except NotFound as refusal:
                sys.exit(f"gatehouse: {refusal.detail}")
            count = await _write(process, site_id, lines)
    print(f"{count:,} statements about the log of site {site_id} are in {out}")


async def _write(process: Process, site_id: int, lines: BinaryIO) -> int:
    """Write each statement after the key that it is signed with, and return how many there are."""
    keys, count = set[str](), 0
    for name, told in LISTS.items():
        async for one in every_item(process.runtime, SERVICE, name, siteId=site_id):
            if one.key not in keys:
                keys.add(one.key)
                lines.write(key_line(one.key, bytes.fromhex(one.public_key)))
            lines.write(statement_line(told(one)))
            count += 1
    return count
