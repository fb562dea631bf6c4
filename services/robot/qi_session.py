"""The one way in which this project makes qi sessions."""

from __future__ import annotations

import qi

# Destroying a session leaves a thread that makes the interpreter abort when it exits, more often than not. So closed
# sessions are kept until the process ends; a session can connect again, hence one per robot is enough.
_sessions: list[qi.Session] = []


def new_session() -> qi.Session:
    """Return a session, neither connected nor listening, that lives as long as the process.

    qi's own log on standard error is cut down to errors.
    """
    qi.logging.setLevel(qi.logging.ERROR)
    session = qi.Session()
    _sessions.append(session)
    return session
