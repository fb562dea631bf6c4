"""``python3 -m services.healthcheck URL``: whether a service answers, as the health checks of containers ask it.

``http://host:port/path`` has to answer 200, ``tcp://host:port`` to accept a connection. What was answered instead goes
to standard output, which the container engine keeps: a ``/readyz`` document says which dependency is missing.
"""

from __future__ import annotations

import http.client
import socket
import sys
from urllib.parse import urlsplit

TIMEOUT_S = 4.0


def problem_with(url: str) -> str | None:
    """What is wrong with the service behind ``url``, or None when it answers as it should."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    try:
        if parts.scheme == "tcp":
            socket.create_connection((host, port or 0), TIMEOUT_S).close()
            return None
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        connection.request("GET", parts.path)
        response = connection.getresponse()
        body = response.read(4096).decode(errors="replace")
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        return f"{url}: {error!r}"
    return None if response.status == http.HTTPStatus.OK else f"{url}: {response.status} {body}"


if __name__ == "__main__":
    problem = problem_with(sys.argv[1])
    if problem:
        print(problem)
    sys.exit(problem is not None)
