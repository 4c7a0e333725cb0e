"""Who may give what to whom. Three rules: nobody gives or takes what they do not hold, nobody changes somebody mightier
than themselves, and there is always somebody left who can put things right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from voipcrm.accounts.models import Role, User, user_roles
from voipcrm.accounts.permissions import Can, expand
from voipcrm.core.db import db


class Refused(Exception):
    """It would break one of the rules. The message is a sentence for the person who tried."""


def may_change(actor: User, target: User) -> bool:
    """May the actor change this person? A link for a new password is as good as the person's own rights."""
    return actor.may(Can.MANAGE) or _of_roles(target.roles) <= actor.permissions


def may_give(actor: User, role: Role) -> bool:
    """May the actor give this role to somebody, or take it away?"""
    return expand(role.permissions) <= actor.permissions


def may_edit(actor: User, role: Role) -> bool:
    """May the actor change what this role allows, or delete it?"""
    return actor.may(Can.MANAGE) or may_give(actor, role)


def give_roles(target: User, wanted: Iterable[Role], *, by: User) -> None:
    """The person has exactly these roles after. Those that `by` may not give stay as they were. Raises Refused."""
    kept = [role for role in target.roles if not may_give(by, role)]
    given = list(wanted)
    if any(not may_give(by, role) and role not in kept for role in given):
        raise Refused("You cannot give a role that allows more than you may do yourself.")
    target.roles = [*kept, *(role for role in given if role not in kept)]


def set_permissions(role: Role, wanted: Iterable[str], *, by: User) -> None:
    """The role allows exactly these after. Those that `by` does not hold stay as they were. Raises Refused."""
    kept = {one for one in role.permissions if one not in by.permissions}
    given = set(wanted)
    if given - by.permissions - kept:
        raise Refused("You cannot give a permission that you do not have yourself.")
    role.permissions = sorted(kept | given)


@contextmanager
def keeping_the_keys(actor: User) -> Iterator[None]:
    """Around a change of roles or of who is active: somebody can manage afterwards, and the actor can still give roles.
    Raises Refused, with the change undone. One such change at a time, so that two admins cannot remove each other."""
    db.session.execute(sa.select(Role.id).order_by(Role.id).with_for_update())
    managed = _somebody_manages()
    yield
    db.session.flush()
    if managed and not _somebody_manages():
        problem = "Nobody would be left who may do everything of the phone system. Give that to somebody else first."
    elif Can.ADMIN_USERS not in _held_now(actor):
        problem = "You would lock yourself out of this page. Let another admin do it."
    else:
        return
    db.session.rollback()
    raise Refused(problem)


def _of_roles(roles: Iterable[Role]) -> frozenset[str]:
    return expand(permission for role in roles for permission in role.permissions)


def _somebody_manages() -> bool:
    """Is there an active person, with a password, who may do everything? Asked of the database, not of loaded rows."""
    held = sa.select(Role.permissions).join(user_roles).join(User)
    held = held.where(User.deactivated_at.is_(None), User.password_hash != "")
    return any(Can.MANAGE in permissions for permissions in db.session.scalars(held))


def _held_now(user: User) -> frozenset[str]:
    held = sa.select(Role.permissions).join(user_roles).join(User)
    held = held.where(User.id == user.id, User.deactivated_at.is_(None))
    return expand(permission for permissions in db.session.scalars(held) for permission in permissions)
