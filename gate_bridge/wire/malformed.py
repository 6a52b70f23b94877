"""How a message that cannot be read is told of."""


class Malformed(Exception):
    """A message, or one event of a batch, that cannot be read: what a row of the quarantine says.

    `event` is the (epoch, seq) it claims, where that much could be read: the watermark steps over it. `said` is what
    the event of a batch says, as it came; None where the whole message is meant.
    """

    def __init__(
        self,
        topic: str,
        field: str,
        reason: str,
        event: tuple[str, int] | None = None,
        said: bytes | None = None,
    ) -> None:
        super().__init__(topic, field, reason, event, said)
        self.topic, self.field, self.reason, self.event, self.said = topic, field, reason, event, said

    def __str__(self) -> str:
        return f"{self.topic}: {self.field}: {self.reason}"
