"""Who is connected to this hub: by client, by user, and in turns for what is done to all of them over a time."""

from collections.abc import Iterable, Iterator
from typing import Final

from channels.host import Identity
from server.hub.connection import Connection

TURNS: Final = 27


class Registry:
    """All connections of a hub. Every one of them has its turn, the same for as long as it lives."""

    def __init__(self) -> None:
        self._turns: tuple[dict[str, Connection], ...] = tuple({} for _ in range(TURNS))
        self._users: dict[
            str, Connection | set[Connection]
        ] = {}  # a set for each would be most of what a user costs

    def __len__(self) -> int:
        return sum(map(len, self._turns))

    def __iter__(self) -> Iterator[Connection]:
        """Go over all there were at the beginning."""
        return iter([connection for turn in self._turns for connection in turn.values()])

    def turn(self, number: int) -> list[Connection]:
        """Return those whose turn it is."""
        return list(self._turns[number % TURNS].values())

    def add(self, connection: Connection) -> None:
        """Take a connection in."""
        client = connection.session.client
        self._turns[hash(client) % TURNS][client] = connection

    def identify(self, connection: Connection, identity: Identity) -> None:
        """Learn whose connection it is."""
        mine = self._users.get(identity.user)
        if mine is None:
            self._users[identity.user] = connection
        elif isinstance(mine, set):
            mine.add(connection)
        elif mine is not connection:
            self._users[identity.user] = {mine, connection}

    def remove(self, connection: Connection) -> bool:
        """Forget a connection; False where it was not known."""
        session = connection.session
        if self._turns[hash(session.client) % TURNS].pop(session.client, None) is None:
            return False
        if session.identity is not None:
            user = session.identity.user
            mine = self._users.get(user)
            if isinstance(mine, set):
                mine.discard(connection)
            if not mine or mine is connection:
                self._users.pop(user, None)
        return True

    def chosen(
        self,
        *,
        user: str | None = None,
        session: str | None = None,
        client: str | None = None,
        realm: str | None = None,
    ) -> list[Connection]:
        """Return the connections that match all that is given: a user, a login, a connection, whose people they are."""
        return [one for one in self._pool(user, client) if _matches(one, user, session, realm)]

    def _pool(self, user: str | None, client: str | None) -> Iterable[Connection]:
        if client is not None:
            found = self._turns[hash(client) % TURNS].get(client)
            return () if found is None else (found,)
        if user is None:
            return self
        mine = self._users.get(user, ())
        return mine if isinstance(mine, set | tuple) else (mine,)


def _matches(connection: Connection, user: str | None, session: str | None, realm: str | None) -> bool:
    identity = connection.session.identity
    if identity is None:
        return user is session is realm is None
    return (
        user in (None, identity.user)
        and session in (None, identity.session)
        and realm in (None, identity.realm)
    )
