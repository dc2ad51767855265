"""The file of keys: who may come in, without the secrets that prove it.

A secret is shown once, when it is made. The file has its SHA-256: enough to check it, not enough for a bearer token,
but enough to sign (docs/security.md), so the file is for its owner only.
"""

import hashlib
import secrets
import stat
import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from aeromatch import AeroMatchError
from aeromatch.server.admission.files import locked, replace
from aeromatch.server.admission.options import Rate

__all__ = ["KeyFileError", "KeyRecord", "KeyStore", "NewKey", "hash_of", "roles_of"]

Role: TypeAlias = Literal["read", "trade", "admin"]
ROLES: Final[tuple[Role, ...]] = ("read", "trade", "admin")
"""Each has what those before it have."""
SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "ams_"
"""By this a secret is known where it should not be: logs hide what begins so."""
OTHERS: Final = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP
"""Who must not have the file: a group may read it, so that a service can be given it."""
HEADER: Final = "# Written by `aeromatch keys`. Whoever has these hashes can sign with them: keep this file secret.\n"


class KeyFileError(AeroMatchError):
    """The file of keys cannot be used; the message names it and says why."""


def hash_of(secret: str) -> str:
    """What the file has of a secret: SHA-256 of its text, in hexadecimal digits. Its bytes are the HMAC key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def roles_of(role: Role) -> frozenset[Role]:
    """A role and those that it includes."""
    return frozenset(ROLES[: ROLES.index(role) + 1])


class SecretRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is kept of a secret."""

    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    expires_ms: Annotated[int, msgspec.Meta(ge=0)] = 0


class KeyRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A key as the file has it. Times are milliseconds since 1970, 0: never."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    role: Role
    account: Annotated[str, msgspec.Meta(min_length=1, max_length=48)] | None = None
    label: str = ""
    created_ms: int = 0
    expires_ms: Annotated[int, msgspec.Meta(ge=0)] = 0
    orders: tuple[int, int] | None = None
    requests: tuple[int, int] | None = None
    secrets: list[SecretRecord]

    def state(self, now_ms: int) -> str:
        """Whether it is good: "active", "rotating" while two secrets are, or "expired"."""
        good = sum(1 for secret in self.secrets if not 0 < _earlier(secret.expires_ms, self.expires_ms) <= now_ms)
        return ("expired", "active", "rotating")[min(good, 2)]

    def native(self, orders: Rate, requests: Rate) -> tuple[Any, ...]:
        """As `_core.Admission.set_keys` takes it, with these limits where it has none."""
        hashes = [
            (bytes.fromhex(secret.sha256), _earlier(secret.expires_ms, self.expires_ms)) for secret in self.secrets
        ]
        return (
            self.id,
            hashes,
            self.role,
            self.account,
            tuple(orders if self.orders is None else self.orders),
            tuple(requests if self.requests is None else self.requests),
        )


def _earlier(one_ms: int, other_ms: int) -> int:
    """The earlier of two ends, of which 0 is none."""
    return min(one_ms, other_ms) if one_ms and other_ms else one_ms or other_ms


class KeyFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """All of the file."""

    version: Literal[1]
    keys: list[KeyRecord]


class NewKey(msgspec.Struct, kw_only=True):
    """A key that was made or changed, and its secret, which nobody can show again."""

    record: KeyRecord
    secret: str

    @property
    def token(self) -> str:
        """What goes behind `Authorization: Bearer`."""
        return f"{self.record.id}.{self.secret}"


class KeyStore:
    """The file; every change reads it, changes it and puts it back whole, while other processes wait."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> list[KeyRecord]:
        """Reads all keys.

        Raises:
            KeyFileError: It is not there, others may read or change it, or it is not a file of keys.
        """
        try:
            mode = self.path.stat().st_mode
            text = self.path.read_bytes()
        except FileNotFoundError:
            raise KeyFileError(f"{self.path}: there are no keys yet; `aeromatch keys create` makes one") from None
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror}") from error
        if mode & OTHERS:
            raise KeyFileError(f"{self.path}: others may use it (mode {stat.S_IMODE(mode):04o}); chmod 600 {self.path}")
        return self._read(text)

    def _read(self, text: bytes) -> list[KeyRecord]:
        try:
            keys = msgspec.yaml.decode(text, type=KeyFile).keys
        except msgspec.DecodeError as error:
            raise KeyFileError(f"{self.path}: {str(error).splitlines()[0]}") from error
        twice = {key.id for key in keys if sum(other.id == key.id for other in keys) > 1}
        if twice:
            raise KeyFileError(f"{self.path}: there are two keys {min(twice)!r}")
        for key in keys:
            if key.role == "trade" and key.account is None:
                raise KeyFileError(f"{self.path}: key {key.id!r} trades for nobody: it needs an account")
        return keys

    def create(
        self,
        role: Role,
        account: str | None = None,
        *,
        key_id: str | None = None,
        label: str = "",
        expires_ms: int = 0,
        orders: Rate | None = None,
        requests: Rate | None = None,
    ) -> NewKey:
        """Makes a key, and the file if it is not there.

        Raises:
            KeyFileError: There is a key of that id, or it trades and has no account; or the file cannot be used.
        """
        key_id = f"k{secrets.token_hex(6)}" if key_id is None else key_id
        secret = _new_secret()
        record = KeyRecord(
            id=key_id,
            role=role,
            account=account,
            label=label,
            created_ms=time.time_ns() // 1_000_000,
            expires_ms=expires_ms,
            orders=orders,
            requests=requests,
            secrets=[SecretRecord(sha256=hash_of(secret))],
        )
        with locked(self.path):
            keys = self.load() if self.path.exists() else []
            if any(key.id == key_id for key in keys):
                raise KeyFileError(f"{self.path}: there is a key {key_id!r} already")
            self._save([*keys, record])
        return NewKey(record=record, secret=secret)

    def revoke(self, key_id: str) -> KeyRecord:
        """Removes a key.

        Raises:
            KeyFileError: There is no such key, or the file cannot be used.
        """
        with locked(self.path):
            keys = self.load()
            record = self._find(keys, key_id)
            self._save([key for key in keys if key is not record])
        return record

    def rotate(self, key_id: str, *, overlap_ms: int = 0) -> NewKey:
        """Gives a key another secret; the old one stays good for so long.

        Raises:
            KeyFileError: There is no such key, or the file cannot be used.
        """
        secret, now_ms = _new_secret(), time.time_ns() // 1_000_000
        with locked(self.path):
            keys = self.load()
            record = self._find(keys, key_id)
            # Of several old ones only the newest stays: two secrets at most.
            old = record.secrets[-1:] if overlap_ms else []
            for kept in old:
                kept.expires_ms = _earlier(kept.expires_ms, now_ms + overlap_ms)
            record.secrets = [*old, SecretRecord(sha256=hash_of(secret))]
            self._save(keys)
        return NewKey(record=record, secret=secret)

    def find(self, key_id: str) -> KeyRecord:
        """One key.

        Raises:
            KeyFileError: There is no such key, or the file cannot be used.
        """
        return self._find(self.load(), key_id)

    def _find(self, keys: list[KeyRecord], key_id: str) -> KeyRecord:
        for key in keys:
            if key.id == key_id:
                return key
        raise KeyFileError(f"{self.path}: there is no key {key_id!r}")

    def _save(self, keys: list[KeyRecord]) -> None:
        text = HEADER + msgspec.yaml.encode(KeyFile(version=1, keys=keys)).decode()
        # What could not be read again is not written.
        self._read(text.encode())
        try:
            replace(self.path, text)
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror}") from error
