"""Secrets that we must read again (unlike passwords), sealed: a copy of the database alone tells none."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voipcrm.core.app import settings


class SealBroken(Exception):
    """It was sealed under another SECRET_KEY, or changed since. What was sealed has to be set anew."""


def seal(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed. Raises SealBroken."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBroken from None


def _fernet() -> Fernet:
    """A key of its own purpose: what signs sessions must not also open what is sealed."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"voipcrm sealing").derive(settings.secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
