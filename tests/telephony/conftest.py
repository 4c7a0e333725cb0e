"""The client, and a provider across a real network whose every answer the test chooses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from voipcrm.telephony.client import Provider

from .far_end import ACCOUNT, KEY, SECRET, FarEnd, far_end


@pytest.fixture
def end() -> Iterator[FarEnd]:
    with far_end() as end:
        yield end


@pytest.fixture
def provider(end: FarEnd) -> Provider:
    return Provider(account_sid=ACCOUNT, key_sid=KEY, key_secret=SECRET, base_url=end.url, timeout=2)
