"""One connection of the Centrifuge protocol, without I/O: commands in, questions and effects out.

How a shell drives it:

1. `handle` a command (or take a `next_chore`) to get steps; perform `take()`, answer the question the steps yield,
   send the answer or throw the refusal in, and so on to their end. A question is `channels.effects.Ask`.
2. Steps run one at a time and in order, except those of a call (`is_call`), which may run beside others.
3. Live deliveries (`live`), pongs, the clock (`tick` at `deadlines.nearest`) and wishes of the server may come between
   any two steps; perform `take()` after each.
4. After a Close was taken, go on with no steps; run those of `end()` once, whatever ended the connection.

What holds, whatever comes in: every command with an id is answered once or the connection closes; a channel's pushes
come after its subscribe reply and in the order of their offsets; a gap ends the subscription or the connection.

There are many thousands of them, most of them quiet: what is empty is shared and not allocated.
"""

import random
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from channels import attendance, commands, following, timing
from channels.broadcast import Broadcast
from channels.deadlines import Deadlines
from channels.effects import Close, Deliver, Live, Send, Steps, Tell, Unfollow
from channels.host import Identity, Opening
from channels.limits import Limits
from channels.protocol.codes import DisconnectCode, ErrorCode, UnsubscribeCode
from channels.protocol.exceptions import Disconnect, FabricError, ProtocolError
from channels.protocol.messages import (
    ClientInfo,
    Command,
    Connect,
    Error,
    Push,
    Reply,
    Request,
    Rpc,
    Unsubscribed,
    Word,
    payload,
)
from channels.protocol.messages import Send as SendMessage
from channels.recovery import Verdict
from channels.stream import Position, Publication
from channels.subscription import Phase, Subscription
from channels.transitions import Event, State, after

NOTHING: Final = ()
RESUBSCRIBE: Final = UnsubscribeCode.INSUFFICIENT_STATE  # from this code on clients subscribe again


class Session:
    """What one client may do now, and what it is owed."""

    __slots__ = (
        "_commands_paid",
        "_outbox",
        "_refusals_paid",
        "chores",
        "client",
        "clock",
        "deadlines",
        "departing",
        "identity",
        "jitter",
        "limits",
        "opened",
        "state",
        "subscriptions",
        "version",
        "wall",
    )

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
        self.opened: list[Subscription] | None = None
        """Subscriptions that go live with the reply now being made."""
        self.chores: list[Steps[None]] | None = None
        """Steps nobody asked for, such as leaving the presence of a channel; None where there are none."""
        self.departing: Subscription | None = None
        """The subscription whose end is being told to others."""
        self.deadlines = Deadlines()
        self.deadlines.set("connect", clock() + limits.connect_s)
        self.jitter = jitter
        self._outbox: list[Tell] | None = None
        self._commands_paid = self._refusals_paid = -inf

    # Commands

    def handle(self, command: Command) -> Steps[None] | None:
        """Begin a command; None where it needs no steps."""
        request = command.request
        if request is None or (command.id == 0) != isinstance(request, SendMessage):
            self._answer_ping(command, request)
            return None
        event = Event.CONNECT if isinstance(request, Connect) else Event.COMMAND
        if (
            not self.happen(event)
            or self.state in (State.REFUSED, State.CLOSED)
            or self._is_too_fast(command.id)
        ):
            return None
        if event is Event.CONNECT:
            self.deadlines.clear("connect")  # from here on it is we who are waited for
        return self._respond(command.id, request)

    def is_call(self, command: Command) -> bool:
        """Whether the command's steps may run beside others."""
        return command.rpc is not None and isinstance(command.request, Rpc)

    def _answer_ping(self, command: Command, request: Request | None) -> None:
        expected = "pong" in self.deadlines
        if command.id == 0 and request is None and (expected or self.state is State.CLOSED):
            self.deadlines.clear("pong")
        else:
            self.close(DisconnectCode.BAD_REQUEST)

    def _is_too_fast(self, number: int) -> bool:
        rate, now = self.limits.commands, self.clock()
        self._commands_paid = paid = rate.pay(self._commands_paid, now)
        if paid - now <= rate.within_s:
            return False
        if paid - now > 2 * rate.within_s:
            self.close(DisconnectCode.TOO_MANY_REQUESTS)
        else:
            self._refuse(number, ProtocolError(ErrorCode.TOO_MANY_REQUESTS))
        return True

    def _respond(self, number: int, request: Request) -> Steps[None]:
        try:
            reply = yield from commands.HANDLERS[type(request)](self, request)
        except ProtocolError as refusal:
            self._refuse(number, refusal)
        except Disconnect as end:
            self.close(end.code, end.reason)
        else:
            if reply is not None:
                reply.id = number
                self.tell(Send(reply))
            if self.opened:
                self.go_live()

    def _refuse(self, number: int, refusal: ProtocolError) -> None:
        if self.state is State.CONNECTING:
            self.happen(Event.REFUSED)
            self.deadlines.set("connect", self.clock() + self.limits.connect_s)
            self.opened = None
            for channel in list(self.subscriptions):
                self.drop(channel)
        if number:
            error = Error(code=refusal.code, message=refusal.message, temporary=refusal.temporary)
            self.tell(Send(Reply(id=number, error=error)))
        if not refusal.temporary:
            rate, now = self.limits.refusals, self.clock()
            self._refusals_paid = paid = rate.pay(self._refusals_paid, now)
            if paid - now > rate.within_s:
                self.close(DisconnectCode.TOO_MANY_ERRORS)

    # Subscriptions

    def live(self, broadcast: Broadcast) -> None:
        """Take a delivery of a followed channel."""
        subscription = self.subscriptions.get(broadcast.channel)
        if subscription is None:
            return
        verdict = subscription.admit(broadcast)
        if verdict is Verdict.GAP:
            self._insufficient(subscription)
            return
        delivery = broadcast.delivery
        published = isinstance(delivery, Publication)
        if verdict is Verdict.SEND:
            whole = published and subscription.delta
            self.tell(Deliver(broadcast, whole))
            if whole and isinstance(delivery, Publication):
                subscription.base = delivery.data
        if published and subscription.phase is Phase.LIVE:
            self.tell(Live(broadcast.channel))

    def doubt(self, channel: str) -> None:
        """Learn that deliveries of the channel were lost for good."""
        subscription = self.subscriptions.get(channel)
        if subscription is None:
            return
        if subscription.phase is Phase.OPENING:
            subscription.doubt()
        else:
            self._insufficient(subscription)

    def position(self, channel: str) -> Position | None:
        """Where a live, positioned subscription stands."""
        subscription = self.subscriptions.get(channel)
        live = subscription is not None and subscription.phase is Phase.LIVE
        return subscription.position if live and subscription else None

    def drop(self, channel: str) -> bool:
        """Forget a subscription without a word to its client, if there is one; others learn of it by a chore."""
        subscription = self.subscriptions.pop(channel, None)
        if subscription is None:
            return False
        subscription.end()
        self.tell(Unfollow(channel))
        self._leave(subscription)
        return True

    def await_reply(self, subscription: Subscription) -> None:
        """Let a subscription go live once the reply that is being made was told."""
        if self.opened is None:
            self.opened = [subscription]
        else:
            self.opened.append(subscription)

    def go_live(self) -> None:
        """Let the subscriptions whose reply was told follow live."""
        opened, self.opened = self.opened, None
        for subscription in opened or NOTHING:
            if subscription.phase is Phase.OPENING:
                self._begin(subscription)

    def _begin(self, subscription: Subscription) -> None:
        held, complete = subscription.go_live()
        for broadcast in held:
            self.live(broadcast)
        if not complete:
            self.doubt(subscription.channel)
        if subscription.phase is not Phase.LIVE:
            return
        self.tell(Live(subscription.channel))
        if subscription.opening.join_leave:
            self.add_chore(attendance.join(self, subscription))

    def _insufficient(self, subscription: Subscription) -> None:
        if subscription.phase is Phase.ENDED:
            return
        if subscription.server_side:
            self.close(DisconnectCode.INSUFFICIENT_STATE)
        else:
            self.unsubscribe(subscription.channel, UnsubscribeCode.INSUFFICIENT_STATE)

    def _leave(self, subscription: Subscription) -> None:
        if subscription.present or subscription.opening.join_leave:
            self.add_chore(attendance.depart(self, subscription))

    # What the server wishes

    def subscribe_by_server(
        self, channel: str, opening: Opening | None = None, since: Position | None = None
    ) -> None:
        """Let the connection follow a channel, from ``since`` on if given; None of an opening asks the host."""
        if self.state in (State.CONNECTING, State.OPEN):
            self.add_chore(following.follow_unasked(self, channel, opening, since))

    def unsubscribe(self, channel: str, code: int = UnsubscribeCode.SERVER, reason: str = "") -> None:
        """End a subscription and tell the client; one that is opening is refused, or may be tried again."""
        subscription = self.subscriptions.get(channel)
        if subscription is None or self.state is State.CLOSED:
            return
        if subscription.phase is Phase.OPENING and not subscription.server_side and code >= RESUBSCRIBE:
            subscription.doubt()
            return
        was_live = subscription.phase is Phase.LIVE
        self.drop(channel)
        if was_live:
            words = reason or next((c.message for c in UnsubscribeCode if c == code), "unsubscribed")
            ended = Unsubscribed(code=int(code), reason=words)
            self.tell(Send(Reply(push=Push(channel=channel, unsubscribe=ended))))

    def message(self, data: bytes) -> None:
        """Say something to this connection, outside any channel."""
        if self.state is State.OPEN:
            self.tell(Send(Reply(push=Push(message=Word(data=payload(data))))))

    def refresh_by_server(self, expires_at: float | None) -> None:
        """Move the end of the connection, in Unix seconds; None is never, and one that has passed closes it."""
        if self.state is not State.OPEN:
            return
        try:
            timing.expire(self, expires_at)
        except ProtocolError:
            self.close(DisconnectCode.CONNECTION_EXPIRED)

    def tick(self) -> None:
        """Do what is due by now."""
        now = self.clock()
        for moment in self.deadlines.due(now):
            timing.come_due(self, moment, now)

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
        if self.departing is not None:
            self.add_chore(attendance.depart(self, self.departing))
        for subscription in list(self.subscriptions.values()):
            self.drop(subscription.channel)
            self._say(Unfollow(subscription.channel))
        while (chore := self.next_chore()) is not None:
            try:
                yield from chore
            except FabricError:
                continue  # what could not be told of one channel must not keep the others from it

    def add_chore(self, steps: Steps[None]) -> None:
        """Have steps run that no command asked for."""
        if self.chores is None:
            self.chores = [steps]
        else:
            self.chores.append(steps)

    def next_chore(self) -> Steps[None] | None:
        """Take the oldest of the steps that no command asked for."""
        if self.chores is None:
            return None
        chore = self.chores.pop(0)
        self.chores = self.chores or None
        return chore

    def tell(self, effect: Tell) -> None:
        """Let the shell do something; after the end nothing is said any more."""
        if self.state is not State.CLOSED:
            self._say(effect)

    def take(self) -> Sequence[Tell]:
        """Hand out what is to be done, in order."""
        outbox, self._outbox = self._outbox, None
        return outbox or NOTHING

    def _say(self, effect: Tell) -> None:
        if self._outbox is None:
            self._outbox = [effect]
        else:
            self._outbox.append(effect)

    def client_info(self, subscription: Subscription | None = None) -> ClientInfo:
        """Tell others who this is."""
        assert self.identity is not None
        return ClientInfo(
            user=self.identity.user,
            client=self.client,
            conn_info=payload(self.identity.info),
            chan_info=payload(subscription.opening.info if subscription else None),
        )
