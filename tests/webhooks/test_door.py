"""The fields of a webhook's body."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.webhooks.door import fields_of


@given(st.lists(st.tuples(st.text(), st.text())))
def test_a_form_is_read_as_it_was_written(fields):
    assert fields_of(urlencode(fields)) == fields


@given(st.text(alphabet="ab=&+%;2B0é\x00 "))
def test_whatever_else_comes_is_read_as_pythons_library_reads_it(body):
    assert fields_of(body) == parse_qsl(body, keep_blank_values=True)


@pytest.mark.parametrize(("body", "fields"), [("", []), ("a", [("a", "")]), ("&&a=1=2&", [("a", "1=2")])])
def test_blank_and_broken_fields(body, fields):
    assert fields_of(body) == fields
