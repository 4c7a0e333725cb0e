"""A running house that keeps its recordings in a bucket: the worker copies there, and the browser's player hears from
there, which our Content-Security-Policy allows for that host alone."""

from __future__ import annotations

import pytest
import services
from browsers import until
from playwright.sync_api import expect
from s3_server import BUCKET, PREFIX, REGION

from .test_in_house import page, recorded, row_of  # noqa: F401 - fixtures

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def live(tmp_path_factory, new_database, s3_server):
    """A house of our own, set up for the bucket."""
    s3_server.reset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECORDINGS_URL", f"s3://{BUCKET}/{PREFIX}")
        patch.setenv("S3_ENDPOINT_URL", s3_server.url)
        patch.setenv("S3_REGION", REGION)
        patch.setenv("S3_ACCESS_KEY_ID", "key-id")
        patch.setenv("S3_SECRET_ACCESS_KEY", "key-secret")
        house = services.House(tmp_path_factory.mktemp("live-s3") / "data", None, new_database("live-s3"))
    yield house
    house.stop()


def test_a_recording_in_a_bucket_is_heard_sought_and_taken_home(live, recorded, page, s3_server):  # noqa: F811
    refused = []
    page.on("console", lambda said: "Content Security Policy" in said.text and refused.append(said.text))
    row = row_of(page, recorded())
    expect(row).to_have_attribute("data-state", "archived", timeout=60_000)
    sid = row.get_attribute("id").removeprefix("recording-")
    assert [name for name in s3_server.names() if sid in name]
    asked = []
    page.on("request", lambda request: request.url.startswith(s3_server.url) and asked.append(request.url))
    row.get_by_role("button", name="Play recording").click()
    until(page, "document.querySelector('.player__time')?.textContent > '0:01'")
    page.get_by_role("slider").press("ArrowLeft")
    until(page, "document.querySelector('.player__time').textContent > '0:02'")
    assert asked, "the player asked the bucket itself"
    with page.expect_download() as taken:
        row.get_by_role("link", name="Download recording").click()
    assert taken.value.suggested_filename.endswith(".wav")
    assert taken.value.path().stat().st_size > 16_000
    assert refused == []
