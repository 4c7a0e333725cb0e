"""What people type and what they find by it, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipcrm.contacts.folding import MOST_WORDS, folded, is_number, patterns, search_text

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def matches(query: str, text: str) -> bool:
    return all(any(one in text for one in group) for group in patterns(query))


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("  Priya   RAMAN ", "priya raman"),
        ("José Ólafur Müller-Weiß", "jose olafur muller-weiss"),
        ("Łukasz Ørsted Đorđe", "lukasz orsted dorde"),
        ("O’Brien", "o'brien"),
        ("a\x00b\tc\u2028d", "a b c d"),
        ("ＡＢＣ１２", "abc12"),
        ("王伟", "王伟"),
        ("한글", "한글"),
        ("\u0301\u0301", ""),
    ],
)
def test_writing_is_made_plain(written, plain):
    assert folded(written) == plain


@given(words)
def test_folding_twice_changes_nothing(text):
    assert folded(folded(text)) == folded(text)


PRIYA = search_text(
    name="Priya Raman",
    company="Acme Dental & Söhne",
    emails=["p.raman@acme.example"],
    numbers=["+14155550142", "+4930901820"],
)


@pytest.mark.parametrize(
    "query",
    [
        "priya",
        "RAMAN",
        "ram",
        "iya",
        "p",
        "ra",
        "pr ra",
        "raman priya",
        "söhne",
        "sohne priya",
        "acme.example",
        "p.raman@",
        "415 555",
        "(415) 555-0142",
        "+1 415-555-0142",
        "0142",
        "priya 0142",
        "priya 555-0142",
        "030 901820",
        "0049 30 901820",
        "+49 (0)30 901820",
        "٤١٥",
        "",
        "   ",
    ],
)
def test_she_is_found_by_what_one_remembers(query):
    assert matches(query, PRIYA)


@pytest.mark.parametrize("query", ["priyah", "ya", "am", "4156", "14", "priya jonas", "0143", "a b c", "%", "ext"])
def test_she_is_not_found_by_what_is_not_hers(query):
    assert not matches(query, PRIYA)


@given(st.lists(words, max_size=4), words)
def test_everybody_is_found_by_any_word_of_their_name_and_company(name, company):
    text = search_text(name=" ".join(name), company=company)
    for word in folded(" ".join([*name, company])).split():
        if not is_number(word):
            assert matches(word, text)


@given(st.text(max_size=60))
def test_no_query_asks_for_less_than_a_trigram_or_more_than_a_few_words(query):
    groups = patterns(query)
    assert len(groups) <= MOST_WORDS
    assert all(len(one) >= 3 for group in groups for one in group)
