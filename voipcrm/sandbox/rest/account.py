"""The account itself, TwiML applications, numbers, caller IDs, keys and usage."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from voipcrm.sandbox.addresses import is_number, normal
from voipcrm.sandbox.calls import API_VERSION
from voipcrm.sandbox.parts import PARTS
from voipcrm.sandbox.rest.forms import boolean, form_of, method_of, page, required, stamp
from voipcrm.sandbox.rest.guard import RestError, not_found
from voipcrm.sandbox.store import ApiKey, CallerId, OwnedNumber, Store, VoiceApplication, VoiceTarget, new_sid, now

ADDRESSES = {
    "VoiceUrl": "voice_url",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
}
METHODS = {
    "VoiceMethod": "voice_method",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallbackMethod": "status_callback_method",
}
Row = VoiceApplication | OwnedNumber | CallerId | ApiKey


@dataclass(frozen=True)
class Collection:
    """One kind of resource: its folder in the API, key in lists, where it is kept, how it is made, changed, shown."""

    folder: str
    key: str
    prefix: str
    rows: Callable[[Store], dict[str, Any]]
    make: Callable[[Store, MultiMapping[str]], Row] | None
    change: Callable[[Store, Any, MultiMapping[str]], None]
    filters: tuple[tuple[str, str], ...] = ()

    def as_json(self, account_sid: str, row: Row) -> dict[str, Any]:
        """Every field but a key's secret."""
        shown = {name: value for name, value in row.__dict__.items() if name != "secret"}
        shown |= {"date_created": stamp(row.date_created), "date_updated": stamp(row.date_updated)}
        if isinstance(row, ApiKey):
            return shown
        shown |= {
            "account_sid": account_sid,
            "api_version": API_VERSION,
            "uri": f"/{API_VERSION}/Accounts/{account_sid}/{self.folder}/{row.sid}.json",
        }
        if isinstance(row, OwnedNumber):
            shown |= {
                "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
                "origin": "hosted",
                "trunk_sid": None,
                "voice_receive_mode": "voice",
                "beta": False,
                "status": "in-use",
            }
        return shown

    def row_of(self, request: web.Request) -> Row:
        """The one in the path. Raises RestError 20404."""
        row = self.rows(request.app[PARTS].exchange.store).get(request.match_info["sid"])
        if row is None:
            raise not_found(request)
        return row

    async def list(self, request: web.Request) -> web.Response:
        """GET all."""
        parts = request.app[PARTS]
        rows = list(self.rows(parts.exchange.store).values())
        for name, attribute in self.filters:
            if request.query.get(name):
                rows = [row for row in rows if _matches(row, attribute, request.query[name])]
        return page(request, self.key, rows, lambda row: self.as_json(parts.settings.account_sid, row))

    async def fetch(self, request: web.Request) -> web.Response:
        """GET one."""
        return web.json_response(self.as_json(request.app[PARTS].settings.account_sid, self.row_of(request)))

    async def create(self, request: web.Request) -> web.Response:
        """POST a new one. A key's secret is in this answer only."""
        parts = request.app[PARTS]
        store = parts.exchange.store
        if self.make is None:
            raise RestError(405, 20004, "Method not allowed")
        fields = await form_of(request)
        row = self.make(store, fields)
        self.change(store, row, fields)
        self.rows(store)[row.sid] = row
        store.save()
        shown = self.as_json(parts.settings.account_sid, row)
        if isinstance(row, ApiKey):
            shown["secret"] = row.secret
        return web.json_response(shown, status=201)

    async def update(self, request: web.Request) -> web.Response:
        """POST changes to one."""
        parts = request.app[PARTS]
        row = self.row_of(request)
        self.change(parts.exchange.store, row, await form_of(request))
        row.date_updated = now().isoformat()
        parts.exchange.store.save()
        return web.json_response(self.as_json(parts.settings.account_sid, row))

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE one; the key that signs tokens stays."""
        parts = request.app[PARTS]
        row = self.row_of(request)
        if row.sid == parts.settings.api_key_sid:
            raise RestError(400, 20001, "The key that the sandbox was started with cannot be deleted")
        del self.rows(parts.exchange.store)[row.sid]
        parts.exchange.store.save()
        return web.Response(status=204)

    def routes(self) -> list[tuple[str, str, Any]]:
        """Paths below the account."""
        return [
            ("GET", f"/{self.folder}.json", self.list),
            ("POST", f"/{self.folder}.json", self.create),
            ("GET", f"/{self.folder}/{{sid}}.json", self.fetch),
            ("POST", f"/{self.folder}/{{sid}}.json", self.update),
            ("DELETE", f"/{self.folder}/{{sid}}.json", self.delete),
        ]


def _matches(row: Row, attribute: str, wanted: str) -> bool:
    """Numbers are found by any part of them, names only as a whole."""
    value = getattr(row, attribute)
    return wanted in value if attribute == "phone_number" else wanted == value


def _change_target(store: Store, row: VoiceTarget, fields: MultiMapping[str]) -> None:
    """Applications and numbers. Everything is checked before anything is changed."""
    changes: dict[str, Any] = {}
    for field, name in ADDRESSES.items():
        if field in fields:
            address = fields[field].strip()
            if address and not address.startswith(("http://", "https://")):
                raise RestError(400, 21502, f"{field} is not a valid URL: {address}")
            changes[name] = address
    changes |= {name: method_of(fields, field) for field, name in METHODS.items() if field in fields}
    if "VoiceCallerIdLookup" in fields:
        changes["voice_caller_id_lookup"] = boolean(fields, "VoiceCallerIdLookup")
    if "FriendlyName" in fields:
        changes["friendly_name"] = fields["FriendlyName"]
    if isinstance(row, OwnedNumber) and "VoiceApplicationSid" in fields:
        sid = fields["VoiceApplicationSid"]
        if sid and sid not in store.applications:
            raise RestError(400, 21218, f"ApplicationSid {sid} is not valid")
        changes["voice_application_sid"] = sid
    for name, value in changes.items():
        setattr(row, name, value)


def _change_name(_store: Store, row: CallerId | ApiKey, fields: MultiMapping[str]) -> None:
    row.friendly_name = fields.get("FriendlyName", row.friendly_name)


def _new_application(_store: Store, _fields: MultiMapping[str]) -> VoiceApplication:
    return VoiceApplication(sid=new_sid("AP"))


def _new_number(store: Store, fields: MultiMapping[str]) -> OwnedNumber:
    number = normal(required(fields, "PhoneNumber", 21421))
    if not is_number(number):
        raise RestError(400, 21421, f"{number} is not a valid number")
    if store.number_owned(number):
        raise RestError(400, 21422, f"{number} is not available")
    return OwnedNumber(sid=new_sid("PN"), phone_number=number, friendly_name=number)


def _new_caller_id(_store: Store, fields: MultiMapping[str]) -> CallerId:
    """Twilio would call the number and ask for a code; here it is verified at once."""
    number = normal(required(fields, "PhoneNumber", 21421))
    if not is_number(number):
        raise RestError(400, 21421, f"{number} is not a valid number")
    return CallerId(sid=new_sid("PN"), phone_number=number, friendly_name=number)


def _new_key(_store: Store, _fields: MultiMapping[str]) -> ApiKey:
    return ApiKey(sid=new_sid("SK"), secret=secrets.token_urlsafe(32))


COLLECTIONS = [
    Collection(
        "Applications",
        "applications",
        "AP",
        lambda store: store.applications,
        _new_application,
        _change_target,
        (("FriendlyName", "friendly_name"),),
    ),
    Collection(
        "IncomingPhoneNumbers",
        "incoming_phone_numbers",
        "PN",
        lambda store: store.numbers,
        _new_number,
        _change_target,
        (("PhoneNumber", "phone_number"), ("FriendlyName", "friendly_name")),
    ),
    Collection(
        "OutgoingCallerIds",
        "outgoing_caller_ids",
        "PN",
        lambda store: store.caller_ids,
        _new_caller_id,
        _change_name,
        (("PhoneNumber", "phone_number"), ("FriendlyName", "friendly_name")),
    ),
    Collection("Keys", "keys", "SK", lambda store: store.keys, _new_key, _change_name),
]


async def account(request: web.Request) -> web.Response:
    """GET the account."""
    sid = request.app[PARTS].settings.account_sid
    return web.json_response(
        {
            "sid": sid,
            "friendly_name": "voipcrm sandbox",
            "status": "active",
            "type": "Full",
            "owner_account_sid": sid,
            "auth_token": None,
            "date_created": stamp(now()),
            "date_updated": stamp(now()),
            "uri": f"/{API_VERSION}/Accounts/{sid}.json",
            "subresource_uris": {},
        }
    )


async def usage(request: web.Request) -> web.Response:
    """GET Usage/Records: calls, their minutes and their price, from what this process has seen."""
    parts = request.app[PARTS]
    ended = [call for call in parts.exchange.calls.values() if not call.is_live]
    minutes = sum(-(-call.seconds // 60) for call in ended)
    today = now()
    records = []
    for category, description in (("calls", "Voice minutes"), ("totalprice", "Total price")):
        if request.query.get("Category", category) != category:
            continue
        records.append(
            {
                "account_sid": parts.settings.account_sid,
                "api_version": API_VERSION,
                "as_of": today.isoformat(),
                "category": category,
                "description": description,
                "count": str(len(ended)),
                "count_unit": "calls",
                "usage": str(minutes),
                "usage_unit": "minutes",
                "price": f"{-sum(call.price or 0 for call in ended):.5f}",
                "price_unit": "usd",
                "start_date": today.date().replace(day=1).isoformat(),
                "end_date": today.date().isoformat(),
                "subresource_uris": {},
                "uri": str(request.rel_url),
            }
        )
    return page(request, "usage_records", records, dict)


ROUTES = [
    ("GET", ".json", account),
    *(route for collection in COLLECTIONS for route in collection.routes()),
    *(("GET", f"/Usage/Records{span}.json", usage) for span in ("", "/Today", "/ThisMonth", "/AllTime")),
]
