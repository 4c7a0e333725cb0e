"""The permission vocabulary: every right there is, the roles that come built in, and what one right implies."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Can(StrEnum):
    MAKE_CALLS = "voip.calls.make"
    RECEIVE_CALLS = "voip.calls.receive"
    VIEW_CALLS = "voip.calls.view"
    VIEW_TEAM_CALLS = "voip.calls.view.team"
    VIEW_ALL_CALLS = "voip.calls.view.all"
    VIEW_RECORDINGS = "voip.recordings.view"
    DOWNLOAD_RECORDINGS = "voip.recordings.download"
    DELETE_RECORDINGS = "voip.recordings.delete"
    ADMIN_TRUNKS = "voip.admin.trunks"
    ADMIN_ROUTES = "voip.admin.routes"
    ADMIN_NUMBERS = "voip.admin.numbers"
    ADMIN_USERS = "voip.admin.users"
    MANAGE = "voip.admin.manage"
    VIEW_CONTACTS = "contacts.view"
    EDIT_CONTACTS = "contacts.edit"
    IMPORT_CONTACTS = "contacts.import"
    EXPORT_CONTACTS = "contacts.export"


ABOUT: dict[Can, str] = {
    Can.MAKE_CALLS: "Place calls",
    Can.RECEIVE_CALLS: "Be rung by incoming calls",
    Can.VIEW_CALLS: "See their own calls",
    Can.VIEW_TEAM_CALLS: "See the calls of their team",
    Can.VIEW_ALL_CALLS: "See every call",
    Can.VIEW_RECORDINGS: "Play recordings of the calls they may see",
    Can.DOWNLOAD_RECORDINGS: "Download those recordings",
    Can.DELETE_RECORDINGS: "Delete those recordings",
    Can.ADMIN_TRUNKS: "Set up trunks",
    Can.ADMIN_ROUTES: "Set up inbound routes",
    Can.ADMIN_NUMBERS: "Set up numbers and lines",
    Can.ADMIN_USERS: "Invite people and give roles",
    Can.MANAGE: "Everything of the phone system",
    Can.VIEW_CONTACTS: "See contacts",
    Can.EDIT_CONTACTS: "Add and change contacts",
    Can.IMPORT_CONTACTS: "Import contacts",
    Can.EXPORT_CONTACTS: "Export contacts",
}

_AGENT = {
    Can.MAKE_CALLS,
    Can.RECEIVE_CALLS,
    Can.VIEW_CALLS,
    Can.VIEW_RECORDINGS,
    Can.VIEW_CONTACTS,
    Can.EDIT_CONTACTS,
}
_SUPERVISOR = _AGENT | {Can.VIEW_TEAM_CALLS, Can.DOWNLOAD_RECORDINGS, Can.EXPORT_CONTACTS}
ROLES: dict[str, frozenset[Can]] = {
    "agent": frozenset(_AGENT),
    "supervisor": frozenset(_SUPERVISOR),
    "admin": frozenset(_SUPERVISOR | {Can.MANAGE, Can.IMPORT_CONTACTS}),
}


def expand(held: Iterable[str]) -> frozenset[str]:
    """All that these permissions allow: `voip.admin.manage` implies every `voip.*`, a wider view the narrower."""
    every = set(held)
    if Can.MANAGE in every:
        every |= {can for can in Can if can.startswith("voip.")}
    if Can.VIEW_ALL_CALLS in every:
        every.add(Can.VIEW_TEAM_CALLS)
    if Can.VIEW_TEAM_CALLS in every:
        every.add(Can.VIEW_CALLS)
    return frozenset(str(one) for one in every)
