"""The vectors are those that Twilio publishes in the tests of its seven libraries."""

import timeit
from collections import defaultdict
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from voipcrm.telephony.signature import compute, verify

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = [
    ("To", "+18005551212"),
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
]
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
BODY_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
REPEATED = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
MIXED_CASE = "MyCompany.com/myapp.php?foo=1&bar=2"

GENUINE = {
    "documented example": (URL, PARAMS, SIGNATURE),
    "https, port given, signed without": (URL.replace(".com", ".com:1234"), PARAMS, SIGNATURE),
    "https, port given, signed with": (URL.replace(".com", ".com:1234"), PARAMS, "CYn1h0gLBdNxDGkKJg6hYohgeD8="),
    "https, signed with :443": (URL, PARAMS, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    "http, signed with :80": (URL.replace("https", "http"), PARAMS, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    "http, port given, signed with": (
        URL.replace("https", "http").replace(".com", ".com:1234"),
        PARAMS,
        "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
    ),
    "user and password": (URL.replace("//", "//user:pass@"), PARAMS, "CukzLTc1tT5dXEDIHm/tKBanW10="),
    "user only": (URL.replace("//", "//user@"), PARAMS, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
    "user and password, signed with :443": (
        URL.replace("//", "//user:pass@"),
        PARAMS,
        "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
    ),
    "apostrophe and plus in the query": (URL + "&Body=It's+amazing", PARAMS, "dsq4Ehbj6cs+KdTkpF5sSSplOWw="),
    "repeated name": (
        URL,
        [("MessagingBinding.Address", "+1415xxxxxxx"), ("MessagingBinding.Address", "+1325xxxxxxx")],
        "83O6e2vORAoJHUNzJjDWN1jz+BA=",
    ),
    "repeated name and value": (URL, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    "mixed case host": ("https://" + MIXED_CASE, PARAMS, "g9IN/x4Cft2g517EjYvEvM/W7LU="),
    "mixed case host with a port": (
        "https://" + MIXED_CASE.replace(".com", ".com:1234"),
        PARAMS,
        "PCqOZm8cnu/L6+u5i5fuEd+Iac4=",
    ),
    "mixed case host, http": ("http://" + MIXED_CASE, PARAMS, "XY7AlKOKL6im4yWyX84gldUrtis="),
    "mixed case host and user": ("http://username:password@" + MIXED_CASE, PARAMS, "PJ08CxXr7KLPjEQCTc8LkUSMwSM="),
    "upper case scheme": ("HTTP://username:password@" + MIXED_CASE, PARAMS, "hy/l8pca+LFms4cvRdv8uiP6NGc="),
    "mixed case user": ("http://Username:Password@" + MIXED_CASE, PARAMS, "SkTSKyDJH9kUlhItI0slbgZ1UsI="),
    "JSON body hash among others": (URL + "&bodySHA256=" + BODY_HASH, [], "a9nBmqA0ju/hNViExpshrM61xv4="),
    "JSON body hash alone": (
        "https://mycompany.com/myapp.php?bodySHA256=" + BODY_HASH,
        [],
        "y77kIzt2vzLz71DgmJGsen2scGs=",
    ),
}


@pytest.mark.parametrize(("url", "params", "signature"), GENUINE.values(), ids=GENUINE.keys())
def test_published_vectors_are_genuine(url, params, signature):
    assert verify(url, params, signature, tokens=[TOKEN])


@pytest.mark.parametrize(("url", "params", "signature"), GENUINE.values(), ids=GENUINE.keys())
def test_published_vectors_are_refused_after_any_change(url, params, signature):
    assert not verify(url + "&x=1", params, signature, tokens=[TOKEN])
    assert not verify(url, [*params, ("CallStatus", "completed")], signature, tokens=[TOKEN])
    assert not verify(url, params[1:] if params else [("a", "b")], signature, tokens=[TOKEN])
    assert not verify(url, params, signature, tokens=["54321"])
    assert not verify(url, params, signature[:-2] + ("A=" if signature[-2] != "A" else "B="), tokens=[TOKEN])


FORGED = {
    "http for a signature over https": (URL.replace("https", "http"), PARAMS, SIGNATURE),
    "another host": (URL.replace("mycompany", "yourcompany"), PARAMS, SIGNATURE),
    "lower case for a mixed case host": (URL, PARAMS, "g9IN/x4Cft2g517EjYvEvM/W7LU="),
    "mixed case for a lower case host": ("https://" + MIXED_CASE, PARAMS, SIGNATURE),
    "the host's port in place of the user's password": (
        URL.replace("//", "//user:443@"),
        PARAMS,
        compute(URL.replace("//mycompany.com", "//user"), PARAMS, TOKEN),
    ),
    "a doubled slash in the path": (URL.replace("/myapp.php", "//myapp.php"), PARAMS, SIGNATURE),
    "a decoded query": (
        URL + "&to=+1",
        PARAMS,
        compute(URL + "&to=%2B1", PARAMS, TOKEN),
    ),
    "a dropped blank": (URL, PARAMS, compute(URL, [*PARAMS, ("CallerName", "")], TOKEN)),
    "a smuggled second value": (URL, [*PARAMS, ("To", "+19005550199")], SIGNATURE),
}


@pytest.mark.parametrize(("url", "params", "signature"), FORGED.values(), ids=FORGED.keys())
def test_forgeries_are_refused(url, params, signature):
    assert not verify(url, params, signature, tokens=[TOKEN])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "=",
        "FAIL",
        "WRONG_SIGNATURE",
        "NOT" + SIGNATURE,
        SIGNATURE[:-1],
        SIGNATURE + "=",
        " " + SIGNATURE,
        SIGNATURE + "\n",
        SIGNATURE.encode(),
        SIGNATURE.lower(),
        "ä" * 28,
        "\udc80" * 28,
        28,
        [SIGNATURE],
        object(),
    ],
)
def test_a_missing_or_malformed_signature_is_refused(signature):
    assert verify(URL, PARAMS, signature, tokens=[TOKEN]) is False


@pytest.mark.parametrize("tokens", [[], (), [""], [None], [b"12345"], TOKEN, "", None, b"12345", 5, {TOKEN: 1}])
def test_without_a_usable_token_nothing_is_genuine(tokens):
    assert verify(URL, PARAMS, SIGNATURE, tokens=tokens) is False


def test_a_bare_string_is_not_a_list_of_one_letter_tokens():
    assert not verify(URL, PARAMS, compute(URL, PARAMS, TOKEN[0]), tokens=TOKEN)


def test_an_empty_token_is_not_a_key():
    from base64 import b64encode
    from hmac import digest

    made_without_a_secret = b64encode(digest(b"", URL.encode(), "sha1")).decode()
    assert not verify(URL, [], made_without_a_secret, tokens=["", TOKEN])
    with pytest.raises(ValueError, match="token"):
        compute(URL, [], "")


@pytest.mark.parametrize(
    "params",
    [
        None,
        "To=1",
        b"To=1",
        dict(PARAMS),
        {"To": ["+1"]},
        [("To",)],
        [("To", "1", "2")],
        [("To", None)],
        [("To", 1)],
        [(b"To", "1")],
        ["To"],
        [None],
        7,
        [("To", ["1"])],
        [("To", "\ud800")],
        iter(PARAMS),
    ],
)
def test_malformed_params_are_refused(params):
    assert verify(URL, params, SIGNATURE, tokens=[TOKEN]) is False


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        b"https://mycompany.com/",
        5,
        "mycompany.com/x",
        "//mycompany.com/x",
        "ftp://mycompany.com/x",
        "https://",
        "https://:443/",
        "https://h:port/",
        "https://h:４４３/",
        "https://user@/",
        "https://h/\ud800",
        "https:///x",
    ],
)
def test_a_malformed_url_is_refused_even_when_signed(url):
    try:
        signature = compute(url, PARAMS, TOKEN)
    except (TypeError, AttributeError, UnicodeEncodeError):
        signature = SIGNATURE
    assert verify(url, PARAMS, signature, tokens=[TOKEN]) is False


def test_both_tokens_are_good_while_rotating():
    old, new = compute(URL, PARAMS, "old"), compute(URL, PARAMS, "new")
    assert verify(URL, PARAMS, old, tokens=["new", "old"])
    assert verify(URL, PARAMS, new, tokens=("new", "old"))
    assert verify(URL, PARAMS, new, tokens=["", "new"])
    assert not verify(URL, PARAMS, old, tokens=["new"])


@pytest.mark.parametrize(
    ("given_url", "signed_url"),
    [
        ("https://h.example/x", "https://h.example:443/x"),
        ("https://h.example:443/x", "https://h.example/x"),
        ("http://h.example?y=a:1/b", "http://h.example:80?y=a:1/b"),
        ("https://h.example", "https://h.example:443"),
        ("https://u:p@h.example:8443/x", "https://u:p@h.example/x"),
        ("https://u:p@h.example:8443/x", "https://u:p@h.example:8443/x"),
        ("https://u:p@h.example/x@y:9", "https://u:p@h.example:443/x@y:9"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]/x"),
        ("https://h.example/x#rc=5&rp=all", "https://h.example/x"),
        ("https://h.example/x?", "https://h.example/x?"),
        ("https://h.example/a%2Fb%7E?q=%20+", "https://h.example/a%2Fb%7E?q=%20+"),
    ],
)
def test_the_port_may_be_written_or_not(given_url, signed_url):
    assert verify(given_url, PARAMS, compute(signed_url, PARAMS, TOKEN), tokens=[TOKEN])


@pytest.mark.parametrize(
    ("given_url", "signed_url"),
    [
        ("https://h.example/x", "https://h.example:80/x"),
        ("https://h.example/x", "https://h.example:8443/x"),
        ("https://h.example:8443/x", "https://h.example:443/x"),
        ("http://h.example:443/x", "https://h.example/x"),
    ],
)
def test_no_other_port_is_accepted(given_url, signed_url):
    assert not verify(given_url, PARAMS, compute(signed_url, PARAMS, TOKEN), tokens=[TOKEN])


def test_an_emoji_sorts_as_any_of_the_libraries_sorts_it():
    """Python, Go, Ruby and PHP sort by code point, Node, Java and C# by UTF-16 code unit."""
    from base64 import b64encode
    from hmac import digest

    params = [("a", "\uff21"), ("a", "\U0001f600")]
    for tail in ("a\uff21a\U0001f600", "a\U0001f600a\uff21"):
        signature = b64encode(digest(TOKEN.encode(), (URL + tail).encode(), "sha1")).decode()
        assert verify(URL, params, signature, tokens=[TOKEN])
    other = b64encode(digest(TOKEN.encode(), (URL + "a\U0001f600\uff21").encode(), "sha1")).decode()
    assert not verify(URL, params, other, tokens=[TOKEN])


class ManyValues(dict):
    """The least that RequestValidator asks of a multi-dict."""

    def getlist(self, name):
        return self[name]


def as_many_values(params):
    values = defaultdict(list)
    for name, value in params:
        values[name].append(value)
    return ManyValues(values)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
hosts = st.from_regex(r"[a-zA-Z0-9]{1,8}(\.[a-z]{2,5}){1,2}", fullmatch=True)
ports = st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}"))
targets = st.builds(
    lambda path, query: "/" + quote(path) + (f"?q={quote(query)}" if query else ""),
    text,
    text,
)
urls = st.builds(
    lambda scheme, host, port, target: f"{scheme}://{host}{port}{target}",
    st.sampled_from(["http", "https"]),
    hosts,
    ports,
    targets,
)
names = st.one_of(st.sampled_from(["To", "From", "CallSid", "call"]), text)
forms = st.lists(st.tuples(names, text), max_size=8)


@given(urls, forms, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=32))
def test_we_and_the_official_python_library_agree(url, params, token):
    theirs = RequestValidator(token)
    signature = theirs.compute_signature(url, as_many_values(params))
    assert compute(url, params, token) == signature
    assert verify(url, params, signature, tokens=["other token", token])
    assert theirs.validate(url, as_many_values(params), compute(url, params, token))
    assert not verify(url, params, signature, tokens=[token + "x"])


@given(urls, forms, st.randoms())
def test_the_order_of_the_fields_does_not_matter(url, params, random):
    signature = compute(url, params, TOKEN)
    shuffled = params * 2
    random.shuffle(shuffled)
    assert verify(url, shuffled, signature, tokens=[TOKEN])


anything = st.one_of(
    st.none(), st.integers(), st.binary(max_size=30), st.text(max_size=30), st.lists(st.text(max_size=3))
)


@given(anything, st.one_of(anything, st.lists(st.one_of(anything, st.tuples(anything, anything)))), anything, anything)
def test_nonsense_is_refused_and_never_raises(url, params, signature, tokens):
    assert verify(url, params, signature, tokens=tokens) is False


def test_a_usual_webhook_is_checked_in_microseconds():
    params = [(f"Field{number}", "+14155550100") for number in range(25)]
    signature = compute(URL, params, TOKEN)
    seconds = min(timeit.repeat(lambda: verify(URL, params, signature, tokens=[TOKEN]), number=200, repeat=5)) / 200
    assert seconds < 0.0005  # some 20 µs on a desktop; this bound only catches a blunder
    print(f"{seconds * 1e6:.1f} µs")
