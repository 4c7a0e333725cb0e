"""Two-step sign-in: a code of an authenticator app (TOTP, RFC 6238), or one of ten recovery codes."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
from datetime import datetime

import segno
import sqlalchemy as sa
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy.orm import Mapped, mapped_column

from voipcrm.accounts.models import User
from voipcrm.core import clock
from voipcrm.core.db import Record, db, touched
from voipcrm.core.house import house
from voipcrm.core.sealing import SealBroken, seal, unseal

STEP_SECONDS = 30
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 random bits: nobody guesses them, so a fast hash is enough


class RecoveryCode(Record):
    """For the day the phone is lost. The code itself is shown once and not kept."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


def prepare(user: User) -> None:
    """A secret to set an app up with, if none is being set up. Not asked for at sign-in before `turn_on`."""
    if not user.has_two_step and _secret(user) is None:
        user.totp_secret = seal(random_base32())


def key_of(user: User) -> str:
    """The secret in groups of four, for apps that cannot see the QR code."""
    secret = _secret(user) or ""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def qr_code(user: User) -> str:
    """An SVG of the app's set-up address: black on white in either theme, as cameras want it, and without style."""
    address = TOTP(_secret(user) or "").provisioning_uri(name=user.email, issuer_name=house.brand_name)
    svg = io.BytesIO()
    segno.make(address, error="m").save(
        svg, kind="svg", border=4, light="#fff", xmldecl=False, svgns=True, omitsize=True, svgclass="qr", lineclass=None
    )
    return svg.getvalue().decode()


def turn_on(user: User, code: str) -> list[str] | None:
    """Ask for codes from now on. The recovery codes, to be shown once; None: the code is not of that app."""
    if user.has_two_step or not _takes_totp(user, code):
        return None
    user.totp_on_at = clock.now()
    return new_recovery_codes(user)


def turn_off(user: User) -> None:
    user.totp_secret, user.totp_on_at, user.totp_step = None, None, 0
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def new_recovery_codes(user: User) -> list[str]:
    """Ten new ones; the old are worth nothing."""
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    db.session.add_all(RecoveryCode(user_id=user.id, code_hash=_hash(code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def codes_left(user: User) -> int:
    unused = sa.select(sa.func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(unused) or 0


def takes(user: User, code: str) -> bool:
    """Is this the present code of the app, or an unused recovery code? Either works once. The caller commits."""
    return user.has_two_step and (_takes_totp(user, code) or _takes_recovery(user, code))


def _takes_totp(user: User, code: str) -> bool:
    """Codes of the present, the last and the next half minute, since clocks differ; none older than the last taken."""
    secret, typed = _secret(user), "".join(code.split())
    if secret is None or not (typed.isascii() and typed.isdigit()):
        return False
    now = int(clock.now().timestamp()) // STEP_SECONDS
    totp = TOTP(secret)
    matching = [step for step in (now - 1, now, now + 1) if secrets.compare_digest(totp.generate_otp(step), typed)]
    if not matching:
        return False
    taken = sa.update(User).where(User.id == user.id, User.totp_step < matching[-1]).values(totp_step=matching[-1])
    return touched(taken) == 1


def _takes_recovery(user: User, code: str) -> bool:
    typed = "".join(c for c in code.lower() if c.isalnum())
    used = sa.update(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _hash(typed), RecoveryCode.used_at.is_(None)
    )
    return touched(used.values(used_at=clock.now())) == 1


def _secret(user: User) -> str | None:
    """None where there is none, or where SECRET_KEY is not the one it was sealed under."""
    try:
        return unseal(user.totp_secret) if user.totp_secret else None
    except SealBroken:
        return None


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
