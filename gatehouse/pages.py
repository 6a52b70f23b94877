"""All items of a list that comes in pages."""

from collections.abc import AsyncIterator
from typing import Any

from domain.kernel.caller import Caller
from domain.kernel.runtime import Runtime

PAGE = 200


async def every_item(
    runtime: Runtime,
    caller: Caller,
    name: str,
    **asked: Any,  # Any: the members and the views of any list
) -> AsyncIterator[Any]:
    """Yield what a list has, in its order, a page at a time."""
    cursor: str | None = None
    while True:
        page = await runtime.call(caller, name, {**asked, "limit": PAGE, "cursor": cursor})
        for one in page.items:
            yield one
        if (cursor := page.next_cursor) is None:
            return
