"""A furnished house, and a real browser on it; the telephone network is not there."""

from __future__ import annotations

from typing import Any

import pytest
import services
from browsers import ARGUMENTS, chromium
from cast import Person
from flask import Flask

from whole.furnishing import furnish


@pytest.fixture
def furnished(app, cast) -> Flask:
    """The cast's house with rows of Ada's in every state of everything that has pages."""
    furnish(app, cast)
    return app


@pytest.fixture
def served(furnished):
    """Its address, on a real port."""
    with services.serving(kept(furnished)) as address:
        yield address


def kept(app: Flask) -> Any:
    """The app with static files that a browser asks for once, however many pages it opens."""

    def answer(environ: Any, start: Any) -> Any:
        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if environ["PATH_INFO"].startswith("/static/"):
                headers = [one for one in headers if one[0].lower() != "cache-control"]
                headers.append(("Cache-Control", "max-age=3600"))
            return start(status, headers, *rest)

        return app(environ, begin)

    return answer


@pytest.fixture
def window(furnished, served):
    """window(person): a page of a browser in which they are signed in, and what it complains of: scripts that fail or
    that our policy stops, and dialogs of the browser's own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))

        def open_(who: Person, **options: Any) -> tuple[Any, list[str]]:
            context = browser.new_context(base_url=served, reduced_motion="reduce", **options)
            cookie = furnished.test_client().sign_in(who).get_cookie(furnished.config["SESSION_COOKIE_NAME"])
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": served}])
            page, complaints = context.new_page(), []
            page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
            page.on("dialog", lambda dialog: (complaints.append(f"{page.url}: {dialog.message}"), dialog.dismiss()))
            page.on(
                "console",
                lambda said: complaints.append(f"{page.url}: {said.text}") if "Security Policy" in said.text else None,
            )
            return page, complaints

        yield open_
        browser.close()
