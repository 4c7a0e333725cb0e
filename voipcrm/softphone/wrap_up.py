"""The wrap-up in the dock: the form of the call that this person talked on last, from the server, as a partial."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request
from flask_login import current_user

from voipcrm.accounts.permissions import Can
from voipcrm.calls.forms import WrapUpForm
from voipcrm.calls.words import read
from voipcrm.calls.wrapping_up import WrapUp
from voipcrm.core import clock
from voipcrm.core.db import db, find
from voipcrm.core.gates import requires
from voipcrm.core.pages import render

bp = Blueprint("wrap_up", __name__, url_prefix="/phone/wrap-up")
ONE = "/<int(max=2147483647):wrap_up_id>"


@bp.get("")
@requires(Can.VIEW_CALLS)
def show() -> Any:
    """The oldest open wrap-up of this person, or nothing. ?was= is the one that their page shows: while that is the
    one, the answer is 204, so that nobody loses what they are typing."""
    present = db.session.scalars(WrapUp.of(current_user)).first()
    if request.args.get("was") == (str(present.id) if present else ""):
        return Response(status=204)
    return _form(present)


@bp.post(ONE)
@requires(Can.VIEW_CALLS)
def save(wrap_up_id: int) -> Any:
    one = _mine(wrap_up_id)
    if one is not None:
        form = WrapUpForm(one.disposition_id)
        if not form.validate_on_submit():
            return _form(one, form), 422
        form.write_to(one)
        one.save()
    return _next("Saved." if one else "")


@bp.post(ONE + "/draft")
@requires(Can.VIEW_CALLS)
def draft(wrap_up_id: int) -> Any:
    """Keep what was typed so far, without a word about what is wrong with it yet."""
    one = _mine(wrap_up_id)
    if one is not None:
        form = WrapUpForm(one.disposition_id)
        form.validate()
        form.write_to(one, draft=True)
        db.session.commit()
    return Response(status=204)


@bp.post(ONE + "/skip")
@requires(Can.VIEW_CALLS)
def skip(wrap_up_id: int) -> Any:
    one = _mine(wrap_up_id)
    if one is not None:
        one.skip()
    return _next("Skipped." if one else "")


def _mine(wrap_up_id: int) -> WrapUp | None:
    """This person's, locked; None when another tab or the limit was faster. Answers 404 if it was never theirs."""
    find(sa.select(WrapUp).where(WrapUp.user_id == current_user.id), wrap_up_id)
    query = WrapUp.of(current_user).where(WrapUp.id == wrap_up_id).with_for_update(of=WrapUp)
    return db.session.scalars(query).one_or_none()


def _next(said: str) -> Any:
    db.session.commit()
    answer = _form(db.session.scalars(WrapUp.of(current_user)).first(), said=said)
    if said:
        answer.headers["HX-Trigger"] = "voipcrm:wrapped-up"
    return answer


def _form(one: WrapUp | None, form: WrapUpForm | None = None, *, said: str = "") -> Any:
    left = max(1, int((one.until_at - clock.now()).total_seconds())) if one and one.until_at else None
    return render(
        "phone/_wrap_up.html",
        one=one,
        form=form or (WrapUpForm.of(one) if one else None),
        seen=read(one.call, current_user.id) if one else None,
        left_seconds=left,
        said=said,
    )
