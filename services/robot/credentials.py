"""What the gateway shows a robot that lets only those in whom it knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Credentials:
    """A user name and the file that holds the password, read anew for each connection so that it can be changed."""

    user: str
    password_file: Path

    def factory(self) -> Any:
        """What ``qi.Session.setClientAuthenticatorFactory`` takes. Raises OSError when the file cannot be read."""
        return _Factory(self.user, self.password_file.read_text("utf-8-sig").strip())

    def __str__(self) -> str:
        return f"the user {self.user!r} and the password in {self.password_file}"


# Not frozen: qi writes into the objects that it is given.
@dataclass
class _Authenticator:
    user: str
    token: str

    def initialAuthData(self) -> dict[str, str]:
        return {"user": self.user, "token": self.token}


@dataclass
class _Factory:
    user: str
    token: str

    def newAuthenticator(self) -> _Authenticator:
        return _Authenticator(self.user, self.token)
