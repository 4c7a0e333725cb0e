"""Tidying up with the product's own pages: the house is one for all tests, and a test may get a second try in it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

ROUTES, GROUPS = "/admin/voip/routes/", "/admin/voip/routes/groups/"


def delete(page: Page, where: str, name: str) -> None:
    """The route or ring group of that name, if there is one."""
    page.goto(where)
    link = page.get_by_role("link", name=name, exact=True)
    if link.count():
        page.goto(link.get_attribute("href").replace("/edit", "/delete"))
        page.get_by_role("button", name=re.compile("^Delete ")).click()
        expect(page.locator("#main")).to_contain_text(f"Deleted {name}.")
