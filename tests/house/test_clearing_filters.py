"""A list says whether it is filtered; by that its "Clear" is shown (css/components/filters.css)."""

from __future__ import annotations

import re

import pytest

LISTS = {
    "/calls": "outcome=busy",
    "/contacts/persons": "owner=0",
    "/admin/voip/recordings": "state=failed",
    "/admin/voip/recordings/accesses": "since=2026-01-01",
    "/settings/users": "state=invited",
    "/settings/audit": "since=2026-01-01",
}


def filtered(text: str) -> bool:
    """Is there a "Clear", and a list after it that says it is filtered?"""
    form = re.search(r'<form class="filters".*?</form>(.*)', text, re.DOTALL)
    assert form, "no filters"
    assert 'data-clear="filters"' in form[0]
    return bool(re.search(r"<section [^>]*data-filtered", form[1]))


@pytest.mark.parametrize(("address", "asked"), LISTS.items())
def test_only_a_filtered_list_says_so_as_a_page_and_as_the_part_that_a_filter_swaps(cast, as_root, address, asked):
    assert not filtered(as_root.get(address).text)
    assert filtered(as_root.get(f"{address}?{asked}").text)
    part = as_root.get(f"{address}?{asked}", headers={"HX-Request": "true", "HX-Request-Type": "partial"}).text
    assert "data-filtered" in part
