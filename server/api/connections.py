"""What a back end does with connections, wherever they are: orders that every hub carries out."""

from typing import Final

import msgspec

from channels.protocol.codes import DisconnectCode, ErrorCode
from channels.protocol.exceptions import ProtocolError
from channels.stream import Position
from server import orders
from server.api import requests
from server.api.channels import ChannelMethods, Done, decoded
from server.census import Census
from server.control import Control
from server.orders import PARTNERS
from server.overview import Overview, Report

AT_ONCE: Final = 1.0
"""A moment long past, in Unix seconds: what ends then has ended."""
CLOSES: Final = range(3000, 5000)


class ChannelInfo(msgspec.Struct, frozen=True):
    """How many connections follow a channel, at all hubs together."""

    num_clients: int


class ChannelsResult(msgspec.Struct, frozen=True):
    """Channels that are followed."""

    channels: dict[str, ChannelInfo]


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One hub, as it said itself some seconds ago."""

    uid: str
    name: str
    version: str
    num_clients: int
    num_subs: int
    num_channels: int
    uptime: int
    """Seconds."""


class InfoResult(msgspec.Struct, frozen=True):
    """Every hub there is."""

    nodes: list[Node]


class ConnectionMethods:
    """The methods about connections and hubs."""

    def __init__(
        self,
        control: Control,
        census: Census,
        overview: Overview,
        channels: ChannelMethods,
        *,
        version: str = "",
    ) -> None:
        self._control = control
        self._overview = overview
        self._version = version
        self._census = census
        self._channels = channels

    async def subscribe(self, request: requests.Subscribe) -> Done:
        """Let somebody follow a channel from now on."""
        _check_whose(request)
        options = self._channels.options(request.channel)
        if request.override is not None:
            options = request.override.of(options)
        since = request.recover_since
        opening = options.opening(anonymous=not request.user)
        opening = msgspec.structs.replace(
            opening,
            recoverable=opening.recoverable or since is not None,
            info=decoded(request.info, request.b64info, "b64info"),
            data=decoded(request.data, request.b64data, "b64data"),
        )
        await self._control.give(
            orders.Subscribe(
                user=request.user,
                client=request.client or None,
                session=request.session or None,
                channel=request.channel,
                opening=opening,
                since=None if since is None else Position(since.offset, since.epoch),
            )
        )
        return Done()

    async def unsubscribe(self, request: requests.Unsubscribe) -> Done:
        """Let somebody follow a channel no longer."""
        _check_whose(request)
        self._channels.options(request.channel)
        await self._control.give(
            orders.Unsubscribe(
                user=request.user,
                client=request.client or None,
                session=request.session or None,
                channel=request.channel,
            )
        )
        return Done()

    async def disconnect(self, request: requests.Disconnect) -> Done:
        """Close the connections of one of the partners' people; without a code of its own they stay away."""
        _check_whose(request)
        end = request.disconnect or requests.End()
        code = end.code or DisconnectCode.FORCE_DISCONNECT
        if code not in CLOSES:
            raise ProtocolError(ErrorCode.BAD_REQUEST, "disconnect.code must be from 3000 to 4999")
        await self._control.give(
            orders.Disconnect(
                realm=PARTNERS,
                user=request.user,
                client=request.client or None,
                session=request.session or None,
                spared=request.whitelist or [],
                code=code,
                reason=end.reason,
            )
        )
        return Done()

    async def refresh(self, request: requests.Refresh) -> Done:
        """Move the end of somebody's connections, to now where they are said to have expired."""
        _check_whose(request)
        await self._control.give(
            orders.Refresh(
                realm=PARTNERS,
                user=request.user,
                client=request.client or None,
                session=request.session or None,
                expires_at=AT_ONCE if request.expired else (request.expire_at or None),
            )
        )
        return Done()

    async def channels(self, request: requests.Channels) -> ChannelsResult:
        """List the channels that anybody follows, except those of our own feeds."""
        counts = await self._census.take(request.pattern or "*")
        return ChannelsResult(
            {
                channel: ChannelInfo(number)
                for channel, number in sorted(counts.items())
                if self._channels.is_open(channel)
            }
        )

    async def info(self, request: requests.Info) -> InfoResult:
        """Tell which hubs there are."""
        return InfoResult([_node(one, self._version) for one in await self._overview.hubs()])


def _node(report: Report, version: str) -> Node:
    numbers = report.numbers
    return Node(
        uid=report.uid,
        name=report.name,
        version=version,
        num_clients=sum(numbers.connections.values()),
        num_subs=numbers.subscriptions,
        num_channels=numbers.channels,
        uptime=int(report.at - report.began),
    )


def _check_whose(request: requests.Whose) -> None:
    """Refuse to mean everybody; raises 107."""
    if not (request.user or request.client or request.session):
        raise ProtocolError(ErrorCode.BAD_REQUEST, "user is missing")
