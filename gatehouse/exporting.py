"""`gatehouse export-roots`: the signed statements about a site's log, in a file that needs nobody to be checked."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from domain.access.operations.omissions import omission_in
from domain.access.operations.roots import root_in
from domain.access.rules.exported import key_line, statement_line
from domain.access.rules.statements import Omission, Root
from domain.kernel.caller import SERVICE
from domain.kernel.errors import NotFound
from gatehouse.own_database import with_database
from gatehouse.parts import process_of
from gatehouse.settings import Settings
from server.process import Process

PAGE = 200
# Any: the views of either list
LISTS: Mapping[str, Callable[[Any], Root | Omission]] = {
    "access.list_log_roots": root_in,
    "access.list_log_omissions": omission_in,
}


async def export_roots(settings: Settings, site_id: int, out: Path) -> None:
    """Write the file; one that is there is replaced when the new one is whole."""
    fresh, keys, count = out.with_name(out.name + ".part"), set[str](), 0
    async with with_database(settings) as settled, process_of(settled, connections=2) as process:
        try:
            await process.runtime.call(SERVICE, "sites.get_site", {"siteId": site_id})
        except NotFound as refusal:
            sys.exit(f"gatehouse: {refusal.detail}")
        with fresh.open("wb") as lines:
            for name, told in LISTS.items():
                async for one in _all(process, name, site_id):
                    if one.key not in keys:
                        keys.add(one.key)
                        lines.write(key_line(one.key, bytes.fromhex(one.public_key)))
                    lines.write(statement_line(told(one)))
                    count += 1
    fresh.replace(out)
    print(f"{count:,} statements about the log of site {site_id} are in {out}")


async def _all(process: Process, name: str, site_id: int) -> AsyncIterator[Any]:  # Any: views of either list
    cursor: str | None = None
    while True:
        asked = {"siteId": site_id, "limit": PAGE, "cursor": cursor}
        page = await process.runtime.call(SERVICE, name, asked)
        for one in page.items:
            yield one
        if (cursor := page.next_cursor) is None:
            return
