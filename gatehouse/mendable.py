"""What an operator can mend, in words; whatever else goes wrong is a defect of ours, and keeps its traceback."""

import socket

WHERE = "see DATABASE_URL, REDIS_URL, MQTT_URL"


def in_words(problem: Exception) -> str | None:
    """Return what is to be mended in one sentence, or None where it is a defect; of several, the first that is known.

    A group is a defect as soon as one of its members is.
    """
    from channels.namespaces import BadNamespaces
    from domain.kernel.errors import DomainError
    from gatehouse.embedded.broker import BrokerMissing
    from gatehouse.embedded.child import StartFailed
    from gatehouse.embedded.installation import PostgresMissing
    from gatehouse.embedded.lock import DataInUse
    from gatehouse.embedded.privileges import Unreachable
    from gatehouse.settings import BadSetting

    match problem:
        case ExceptionGroup():
            told = [in_words(one) for one in problem.exceptions]
            return None if None in told else told[0]
        case BadSetting() | BadNamespaces() | BrokerMissing() | StartFailed() | PostgresMissing():
            return str(problem)
        case DataInUse() | Unreachable():
            return str(problem)
        case DomainError():
            return problem.detail
        case ConnectionError() | TimeoutError() | socket.gaierror():
            return f"a server it needs does not answer ({str(problem) or 'it took too long'}); {WHERE}"
        case _:
            return None
