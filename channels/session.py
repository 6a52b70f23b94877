"""One connection of the Centrifuge protocol, without I/O: commands in, questions and effects out.

How a shell drives it:

1. `handle` a command (or take one of `chores`) to get steps; perform `take()`, answer the question the steps yield,
   send the answer or throw the refusal in, and so on to their end. A question is `channels.effects.Ask`.
2. Steps run one at a time and in order, except those of a call (`is_call`), which may run beside others.
3. Live deliveries (`live`), pongs and the clock (`tick` at `deadlines.nearest`) may come between any two steps;
   perform `take()` after each.
4. After a Close was taken, go on with no steps; run those of `end()` once, whatever ended the connection.

What holds, whatever comes in: every command with an id is answered once or the connection closes; a channel's pushes
come after its subscribe reply and in the order of their offsets; a gap ends the subscription or the connection.
"""

import random
import time
from collections import deque
from collections.abc import Callable

from channels import connecting, inquiries, subscribing
from channels.broadcast import Broadcast
from channels.deadlines import Deadlines
from channels.effects import Announce, Close, Deliver, Leave, Live, Send, Steps, Tell, Unfollow, ask
from channels.host import Identity, Opening
from channels.limits import Limits
from channels.protocol import messages
from channels.protocol.codes import DisconnectCode, ErrorCode, UnsubscribeCode
from channels.protocol.exceptions import Disconnect, ProtocolError
from channels.protocol.messages import ClientInfo, Command, Error, Push, Reply, Request, Unsubscribed, payload
from channels.recovery import Verdict
from channels.stream import Joined, Left, Position
from channels.subscription import Phase, Subscription
from channels.transitions import Event, State, after

Handler = Callable[["Session", messages.Message], Steps[Reply]]


class Session:
    """What one client may do now, and what it is owed."""

    def __init__(
        self,
        client: str,
        limits: Limits,
        *,
        version: str = "0",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.client = client
        self.limits = limits
        self.version = version
        self.clock = clock
        self.wall = wall
        self.state = State.NEW
        self.identity: Identity | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.opened: list[Subscription] = []
        """Subscriptions that go live with the reply now being made."""
        self.chores: deque[Steps[None]] = deque()
        """Steps nobody asked for, such as leaving the presence of a channel."""
        self.deadlines = Deadlines()
        self.deadlines.set("connect", clock() + limits.connect_s)
        self._jitter = jitter
        self._outbox: list[Tell] = []

    # Commands

    def handle(self, command: Command) -> Steps[None] | None:
        """Begin a command; None where it needs no steps."""
        request = command.request
        if request is None or (command.id == 0) != isinstance(request, messages.Send):
            self._answer_ping(command, request)
            return None
        if not self.happen(Event.CONNECT if isinstance(request, messages.Connect) else Event.COMMAND):
            return None
        if self.state in (State.REFUSED, State.CLOSED):
            return None
        if isinstance(request, messages.Send):
            self.close(DisconnectCode.NOT_AVAILABLE)
            return None
        return self._respond(command.id, request)

    def is_call(self, command: Command) -> bool:
        """Whether the command's steps may run beside others."""
        return command.rpc is not None and isinstance(command.request, messages.Rpc)

    def _answer_ping(self, command: Command, request: Request | None) -> None:
        expected = "pong" in self.deadlines
        if command.id == 0 and request is None and (expected or self.state is State.CLOSED):
            self.deadlines.clear("pong")
        else:
            self.close(DisconnectCode.BAD_REQUEST)

    def _respond(self, number: int, request: Request) -> Steps[None]:
        try:
            reply = yield from HANDLERS[type(request)](self, request)
        except ProtocolError as refusal:
            self._refuse(number, refusal)
        except Disconnect as end:
            self.close(end.code, end.reason)
        else:
            reply.id = number
            self.tell(Send(reply))
            self.go_live()

    def _refuse(self, number: int, refusal: ProtocolError) -> None:
        if self.state is State.CONNECTING:
            self.happen(Event.REFUSED)
            self.opened.clear()
            for channel in list(self.subscriptions):
                self.drop(channel)
        error = Error(code=refusal.code, message=refusal.message, temporary=refusal.temporary)
        self.tell(Send(Reply(id=number, error=error)))

    # Subscriptions

    def live(self, broadcast: Broadcast) -> None:
        """Take a delivery of a followed channel."""
        subscription = self.subscriptions.get(broadcast.channel)
        if subscription is None:
            return
        verdict = subscription.admit(broadcast)
        if verdict is Verdict.SEND:
            self.tell(Deliver(broadcast))
            if subscription.phase is Phase.LIVE:
                self.tell(Live(broadcast.channel))
        elif verdict is Verdict.GAP:
            self._insufficient(subscription)

    def doubt(self, channel: str) -> None:
        """Learn that deliveries of the channel were lost for good."""
        subscription = self.subscriptions.get(channel)
        if subscription is None:
            return
        if subscription.phase is Phase.OPENING:
            subscription.doubtful = True
        else:
            self._insufficient(subscription)

    def position(self, channel: str) -> Position | None:
        """Where a live, positioned subscription stands."""
        subscription = self.subscriptions.get(channel)
        live = subscription is not None and subscription.phase is Phase.LIVE
        return subscription.position if live and subscription else None

    def unsubscribe(self, channel: str, code: int = UnsubscribeCode.SERVER, reason: str = "") -> None:
        """End a subscription from our side and tell the client; one that is opening is refused."""
        subscription = self.subscriptions.get(channel)
        if subscription is None:
            return
        was_live = subscription.phase is Phase.LIVE
        self.drop(channel)
        if was_live:
            words = reason or next((c.message for c in UnsubscribeCode if c == code), "unsubscribed")
            ended = Unsubscribed(code=int(code), reason=words)
            self.tell(Send(Reply(push=Push(channel=channel, unsubscribe=ended))))

    def subscribe_by_server(
        self, channel: str, opening: Opening | None = None, since: Position | None = None
    ) -> None:
        """Let the connection follow a channel, from ``since`` on if given; None of an opening asks the host."""
        if self.state in (State.CONNECTING, State.OPEN):
            self.chores.append(subscribing.subscribe_unasked(self, channel, opening, since))

    def message(self, data: bytes) -> None:
        """Say something to this connection, outside any channel."""
        if self.state is State.OPEN:
            self.tell(Send(Reply(push=Push(message=messages.Word(data=payload(data))))))

    def refresh_by_server(self, expires_at: float | None) -> None:
        """Move the end of the connection, in Unix seconds; None is never, and one that has passed closes it."""
        if self.state is not State.OPEN:
            return
        try:
            self.expire("expiry", expires_at)
        except ProtocolError:
            self.close(DisconnectCode.CONNECTION_EXPIRED)

    def drop(self, channel: str) -> None:
        """Forget a subscription without a word to its client; others learn of it by a chore."""
        subscription = self.subscriptions.pop(channel, None)
        if subscription is None:
            return
        subscription.end()
        self.deadlines.clear(("subscription", channel))
        self.tell(Unfollow(channel))
        if subscription.present:
            self.chores.append(self._depart(subscription))

    def go_live(self) -> None:
        """Let the subscriptions whose reply was told follow live."""
        opened, self.opened = self.opened, []
        for subscription in opened:
            if subscription.phase is not Phase.OPENING:
                continue
            for broadcast in subscription.go_live():
                self.live(broadcast)
            if subscription.doubtful:
                self.doubt(subscription.channel)
                continue
            self.tell(Live(subscription.channel))
            if subscription.opening.join_leave:
                self.chores.append(self._join(subscription))

    def _insufficient(self, subscription: Subscription) -> None:
        if subscription.server_side:
            self.close(DisconnectCode.INSUFFICIENT_STATE)
        else:
            self.unsubscribe(subscription.channel, UnsubscribeCode.INSUFFICIENT_STATE)

    def _join(self, subscription: Subscription) -> Steps[None]:
        yield from ask(Announce(subscription.channel, Joined(self.client_info(subscription))))

    def _depart(self, subscription: Subscription) -> Steps[None]:
        info = self.client_info(subscription)
        if subscription.opening.presence:
            yield from ask(Leave(subscription.channel, info.client))
        if subscription.opening.join_leave:
            yield from ask(Announce(subscription.channel, Left(info)))

    # Time

    def tick(self) -> None:
        """Do what is due by now."""
        for name in self.deadlines.due(self.clock()):
            match name:
                case "connect":
                    self.close(DisconnectCode.STALE)
                case "ping":
                    self.tell(Send(Reply()))
                    self.deadlines.set("ping", self.clock() + self.limits.ping_s)
                    self.deadlines.set("pong", self.clock() + self.limits.pong_s)
                case "pong":
                    self.close(DisconnectCode.NO_PONG)
                case "expiry":
                    self.close(DisconnectCode.CONNECTION_EXPIRED)
                case ("subscription", str(channel)):
                    self._subscription_expired(channel)

    def begin_pings(self) -> None:
        """Ping from a random moment on, so that connections made together do not beat together."""
        self.deadlines.clear("connect")
        self.deadlines.set("ping", self.clock() + self.limits.ping_s * (0.5 + 0.5 * self._jitter()))

    def expire(self, name: object, expires_at: float | None) -> int:
        """Watch an expiry given in Unix seconds, and return the seconds left for the reply."""
        if expires_at is None:
            self.deadlines.clear(name)
            return 0
        left = expires_at - self.wall()
        if left <= 0:
            raise ProtocolError(ErrorCode.TOKEN_EXPIRED)
        self.deadlines.set(name, self.clock() + left + self.limits.grace_s)
        return max(1, int(left))

    def _subscription_expired(self, channel: str) -> None:
        if (subscription := self.subscriptions.get(channel)) is None:
            return
        if subscription.server_side:
            self.close(DisconnectCode.SUBSCRIPTION_EXPIRED)
        else:
            self.unsubscribe(channel, UnsubscribeCode.EXPIRED)

    # State and effects

    def happen(self, event: Event) -> bool:
        """Move on by the table, or close where the event is not in it."""
        state = after(self.state, event)
        if state is None:
            self.close(DisconnectCode.BAD_REQUEST)
            return False
        self.state = state
        return True

    def close(self, code: int, reason: str = "") -> None:
        """End the connection, once."""
        if self.state is not State.CLOSED:
            end = Disconnect(code, reason)
            self.tell(Close(end.code, end.reason))
            self.happen(Event.CLOSE)

    def end(self) -> Steps[None]:
        """Leave every channel; the last steps of a connection."""
        self.state = State.CLOSED
        for channel in list(self.subscriptions):
            subscription = self.subscriptions.pop(channel)
            subscription.end()
            self._outbox.append(Unfollow(channel))
            if subscription.present:
                self.chores.append(self._depart(subscription))
        while self.chores:
            yield from self.chores.popleft()

    def tell(self, effect: Tell) -> None:
        """Let the shell do something; after the end nothing is said any more."""
        if self.state is not State.CLOSED:
            self._outbox.append(effect)

    def take(self) -> list[Tell]:
        """Hand out what is to be done, in order."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def client_info(self, subscription: Subscription) -> ClientInfo:
        """Tell others who this is."""
        assert self.identity is not None
        return ClientInfo(
            user=self.identity.user,
            client=self.client,
            conn_info=payload(self.identity.info),
            chan_info=payload(subscription.opening.info),
        )


HANDLERS: dict[type[messages.Message], Handler] = {
    messages.Connect: connecting.connect,
    messages.Refresh: connecting.refresh,
    messages.Subscribe: subscribing.subscribe,
    messages.Unsubscribe: subscribing.unsubscribe,
    messages.SubRefresh: subscribing.sub_refresh,
    messages.History: inquiries.history,
    messages.Presence: inquiries.presence,
    messages.PresenceStats: inquiries.presence_stats,
    messages.Rpc: inquiries.rpc,
    messages.Publish: inquiries.not_served,
    messages.Ping: inquiries.not_served,
}
