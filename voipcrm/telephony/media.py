"""A recording's audio, fetched from the provider without trusting any URL that came in from outside."""

import ipaddress
import re
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from voipcrm.telephony.errors import MediaNotReady, ProviderRefused, ProviderUnreachable
from voipcrm.telephony.wire import complain_if_unavailable

API_URL = "https://api.twilio.com"
READ_TIMEOUT_SECONDS = 30.0  # between two pieces of the file, not for the whole of it

_RECORDING_SID = re.compile(r"RE[0-9a-f]{32}")
_ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def media_url(account_sid: str, recording_sid: str, base_url: str | None) -> str:
    """Where the audio must be. Built from the SIDs alone: a RecordingUrl from a form could point anywhere."""
    if not _ACCOUNT_SID.fullmatch(account_sid):
        raise ValueError("account_sid is no account SID")
    if not _RECORDING_SID.fullmatch(recording_sid):
        raise ValueError("recording_sid is no recording SID")
    root = (base_url or API_URL).rstrip("/")
    return f"{root}/2010-04-01/Accounts/{account_sid}/Recordings/{recording_sid}.wav"


def open_media(
    *,
    account_sid: str,
    key_sid: str,
    key_secret: str,
    recording_sid: str,
    base_url: str | None,
    timeout: float,
) -> requests.Response:
    """A streaming response (status 200) of the WAV file, with the channels as they were recorded, whose body the
    caller reads with `iter_content` and closes.

    timeout: seconds until the answer begins.
    At most one redirect is followed, only to a public https host, and without our credentials.
    Raises MediaNotReady (404), ProviderUnreachable (network, 429, 5xx) or ProviderRefused. A failure while reading
    the body is a requests.RequestException for the reader.
    """
    url = media_url(account_sid, recording_sid, base_url)
    session = requests.Session()
    session.trust_env = base_url is None  # proxies of the environment, but never for the sandbox on this machine
    asked = requests.Request("GET", url, auth=(key_sid, key_secret)).prepare()
    response = _send(session, asked, timeout)
    if response.status_code in _REDIRECTS:
        target = response.headers.get("Location", "")  # must be absolute: only another host is worth a redirect
        response.close()
        if not _is_public_https(target):
            raise ProviderRefused(response.status_code, "The recording is at an address that we don’t fetch from.")
        # Prepared apart from the session, which would look for a password in a .netrc file.
        response = _send(session, requests.Request("GET", target).prepare(), timeout)
    if response.status_code == HTTPStatus.OK:
        return response
    status, headers = response.status_code, response.headers
    response.close()
    if status == HTTPStatus.NOT_FOUND:
        raise MediaNotReady("The recording is not ready yet.")
    complain_if_unavailable(status, headers)
    raise ProviderRefused(status, "The phone provider doesn’t hand out this recording.", status=status)


def _send(session: requests.Session, request: requests.PreparedRequest, timeout: float) -> requests.Response:
    url = str(request.url)
    settings = session.merge_environment_settings(url, {}, True, None, None)
    try:
        # Through the adapter, since Session.send looks into a Location even when told not to follow it.
        adapter = session.get_adapter(url)
        return adapter.send(request, timeout=(timeout, READ_TIMEOUT_SECONDS), **settings)
    except requests.RequestException as failure:
        raise ProviderUnreachable("The phone provider can’t be reached right now.") from failure


def _is_public_https(url: str) -> bool:
    """https on its own port, by name, and every address of that name on the public internet."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme != "https" or port not in (None, 443) or parts.username is not None or "." not in host:
        return False
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    # A name that resolves elsewhere a moment later would still have to show a certificate for itself.
    return bool(found) and all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)
