import socket

import pytest
from requests.adapters import HTTPAdapter

from voipcrm.telephony import media
from voipcrm.telephony.client import Provider
from voipcrm.telephony.errors import MediaNotReady, ProviderRefused, ProviderUnreachable
from voipcrm.telephony.media import media_url

from .far_end import ACCOUNT, KEY, SECRET

RECORDING = "RE" + "c" * 32
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}"


def test_the_audio_is_streamed_with_our_key(end, provider):
    audio = b"RIFF" + bytes(200_000)
    end.answers_bytes(audio, Content_Type="audio/x-wav")
    with provider.open_recording_media(RECORDING) as response:
        assert b"".join(response.iter_content(65_536)) == audio
        assert response.headers["Content-Length"] == str(len(audio))
    assert end.asked[0].path == PATH + ".wav"
    assert end.asked[0].credentials == f"{KEY}:{SECRET}"
    assert end.asked[0].query == {}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, MediaNotReady),
        (401, ProviderRefused),
        (403, ProviderRefused),
        (410, ProviderRefused),
        (429, ProviderUnreachable),
        (500, ProviderUnreachable),
        (503, ProviderUnreachable),
    ],
)
def test_each_refusal_says_whether_to_try_again(end, provider, status, error):
    end.answers_bytes(b"", status, **({"Retry-After": "9"} if status == 429 else {}))
    with pytest.raises(error) as refusal:
        provider.open_recording_media(RECORDING)
    if status == 429:
        assert refusal.value.retry_after == 9


def test_twilio_itself_is_asked_only_over_https_by_its_own_name():
    assert media_url(ACCOUNT, RECORDING, None) == f"https://api.twilio.com{PATH}.wav"


@pytest.mark.parametrize("sid", ["", "RE1", RECORDING + "/", RECORDING + "?x", RECORDING.upper(), "../" + RECORDING])
def test_only_a_recording_sid_makes_a_url(end, provider, sid):
    with pytest.raises(ValueError, match="SID"):
        provider.open_recording_media(sid)
    assert end.asked == []


INTERNAL = [
    "http://example.com/x.wav",
    "https://localhost/x.wav",
    "https://127.0.0.1/x.wav",
    "https://2130706433/x.wav",
    "https://[::1]/x.wav",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.8/x.wav",
    "https://user:pass@example.com/x.wav",
    "https://example.com:8443/x.wav",
    "file:///etc/passwd",
    "//127.0.0.1/x.wav",
    "/another/path/on/the/same/host.wav",
    "https://no-such-host.invalid/x.wav",
    "https://[broken/x.wav",
    "",
]


@pytest.mark.parametrize("target", INTERNAL)
def test_a_redirect_into_our_own_network_is_not_followed(end, provider, target):
    end.answers_bytes(b"", 302, Location=target)
    with pytest.raises(ProviderRefused):
        provider.open_recording_media(RECORDING)
    assert len(end.asked) == 1


def test_a_public_name_for_a_private_address_is_not_followed(end, provider, monkeypatch):
    public, private = ((socket.AF_INET, 1, 6, "", (address, 443)) for address in ("93.184.215.14", "10.0.0.8"))
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: [public, private] if host == "rebind.example.com" else real(host, *rest, **more),
    )
    end.answers_bytes(b"", 302, Location="https://rebind.example.com/x.wav")
    with pytest.raises(ProviderRefused):
        provider.open_recording_media(RECORDING)


def test_a_redirect_outside_is_followed_once_and_without_our_key(end, provider, monkeypatch):
    """Storage of the provider's customer: the name is taken as public, and the wire is bent back to the test."""
    monkeypatch.setattr(media, "_is_public_https", lambda url: url.startswith("https://media.example.com/"))
    sent, real = [], HTTPAdapter.send

    def send(adapter, request, **kwargs):
        sent.append(dict(request.headers))
        request.url = request.url.replace("https://media.example.com", end.url)
        return real(adapter, request, **kwargs)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    end.answers_bytes(b"", 307, Location="https://media.example.com/bucket/x.wav?signed=1")
    end.answers_bytes(b"RIFF")
    assert provider.open_recording_media(RECORDING).content == b"RIFF"
    assert (end.asked[1].path, end.asked[1].query) == ("/bucket/x.wav", {"signed": "1"})
    assert "Authorization" in sent[0]
    assert "Authorization" not in sent[1]

    end.answers_bytes(b"", 302, Location="https://media.example.com/1")
    end.answers_bytes(b"", 302, Location="https://media.example.com/2")
    with pytest.raises(ProviderRefused):
        provider.open_recording_media(RECORDING)
    assert len(end.asked) == 4


def test_nobody_listening_is_unreachable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        provider = Provider(account_sid=ACCOUNT, key_sid=KEY, key_secret=SECRET, base_url=base_url)
        with pytest.raises(ProviderUnreachable):
            provider.open_recording_media(RECORDING)
