"""A page as the crawler sees it: where it leads, what can be sent, and what is wrong with it as a document."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from lxml import html

VERBS = ("get", "post", "put", "patch", "delete")
NAMED_BY = ("aria-labelledby", "aria-describedby", "aria-controls", "aria-owns")
WITHOUT_LABEL = {"hidden", "submit", "button", "image", "reset"}


@dataclass(frozen=True)
class Way:
    """Something on a page that asks the server: a link, a button, a form."""

    method: str
    address: str  # path and query
    partial: bool  # asked for by htmx, for a part of the page
    fields: tuple[tuple[str, str], ...] = ()  # as they stand in the form, with the button that sends it
    free: frozenset[str] = field(default=frozenset())  # names of the fields that people write in
    ticked: frozenset[str] = field(default=frozenset())  # names of boxes, of which an empty form sends nothing
    rearranges: bool = False  # a button that adds or takes a row of the form, and so may leave it as it is

    def __str__(self) -> str:
        return f"{self.method} {self.address}"


class Page:
    """`root` is the parsed document, or the fragment inside a <div>."""

    def __init__(self, body: str, address: str) -> None:
        self.address = address
        self.is_whole = body.lstrip().lower().startswith("<!doctype")
        self.root: Any = (
            html.document_fromstring(body)
            if self.is_whole
            else html.fragment_fromstring(body or " ", create_parent="div")
        )

    def text(self) -> str:
        """The words of its main part, without forgeable noise."""
        main = self.root.xpath("//main") or [self.root]
        return " ".join(main[0].text_content().split())

    def explains(self) -> bool:
        """It tells of a mistake, or what was done."""
        told = "contains(@class, 'field__error') or contains(@class, 'notice') or @role='alert'"
        return bool(self.root.xpath(f"//*[{told}][normalize-space()]"))

    def faults(self) -> list[str]:
        """What is wrong with it as a document."""
        found = self._names() + self._ids()
        if self.is_whole:
            title = " ".join(self.root.xpath("//title//text()")).strip(" ·\n")
            found += [] if len(title) > 3 and not title.startswith("·") else [f"title {title!r}"]
            headings = [" ".join(one.text_content().split()) for one in self.root.xpath("//h1")]
            found += [] if len(headings) == 1 and headings[0] else [f"h1 {headings}"]
        return [f"{self.address}: {fault}" for fault in found]

    def _ids(self) -> list[str]:
        ids = Counter(self.root.xpath("//@id"))
        found = [f"id {name!r} {many} times" for name, many in ids.items() if many > 1 or not name or " " in name]
        if self.is_whole:
            wanted = {
                (name, one) for name in NAMED_BY for value in self.root.xpath(f"//@{name}") for one in value.split()
            }
            wanted |= {("for", one) for one in self.root.xpath("//label/@for")}
            wanted |= {("list", one) for one in self.root.xpath("//input/@list")}
            found += [f'{name}="{one}" of nothing' for name, one in sorted(wanted) if one not in ids]
        return found

    def _names(self) -> list[str]:
        """Fields without a label, buttons and links without a name, pictures without words; what a script names as it
        shows it (the phone, the dialogs) is for axe to judge."""
        labelled = set(self.root.xpath("//label/@for"))
        later = "ancestor-or-self::*[@id='phone' or @hidden or @aria-hidden='true' or self::dialog or self::template]"
        found = []
        for one in self.root.xpath(f"(//input | //select | //textarea)[not({later})]"):
            named = one.get("id") in labelled or one.get("aria-label") or one.get("aria-labelledby")
            if one.get("type") not in WITHOUT_LABEL and not named and not one.xpath("ancestor::label"):
                found.append(f"no label at {html.tostring(one, encoding='unicode')[:120]}")
        for one in self.root.xpath(f"(//button | //a[@href])[not({later})]"):
            if not (one.text_content().strip() or one.get("aria-label") or one.xpath(".//*[@aria-label]")):
                found.append(f"no name at {html.tostring(one, encoding='unicode')[:120]}")
        return found + [f"no alt at {one.get('src')}" for one in self.root.xpath("//img[not(@alt)]")]

    def ways(self) -> list[Way]:
        """Everything on it that asks this server something, once each."""
        found = [self._way("GET", link) for link in self.root.xpath("//a/@href | //*[@hx-boost]/@href")]
        found += [self._way("GET", link) for link in self.root.xpath("//img/@src | //audio/@src | //source/@src")]
        for one in self.root.xpath("//form"):
            found += self._sent(one)
        for verb in VERBS:
            for one in self.root.xpath(f"//*[@hx-{verb}]"):
                if one.tag != "form" and not (
                    one.tag in {"button", "input"} and one.xpath("ancestor::form") and verb != "get"
                ):
                    given = json.loads(one.get("hx-vals") or "{}")
                    value = [(one.get("name"), one.get("value") or "")] if one.get("name") else []
                    fields = [*((name, str(value)) for name, value in given.items()), *value]
                    found.append(self._way(verb.upper(), one.get(f"hx-{verb}"), fields, partial=True))
        return list(dict.fromkeys(way for way in found if way))

    def _sent(self, form: Any) -> list[Way | None]:
        """A way for each button of a form, with all the fields as they stand."""
        if form.get("method") == "dialog" or form.xpath("ancestor::*[@id='phone']"):
            return []  # steered by scripts, which tests of the phone are for
        fields = [(name, value) for name, value in form.form_values() if name]
        free = frozenset(
            one.get("name")
            for one in form.xpath(".//textarea | .//input")
            if one.get("name") not in {None, "csrf_token"}
            and one.get("type", "text") in {"text", "search", "tel", "email", "url", "password", "textarea"}
        )
        ticked = frozenset(form.xpath(".//input[@type='checkbox']/@name"))
        found = []
        buttons = form.xpath(".//button[not(@type) or @type='submit'] | .//input[@type='submit']") or [None]
        for button in buttons:
            mine = [] if button is None or not button.get("name") else [(button.get("name"), button.get("value") or "")]
            method = (button is not None and button.get("formmethod")) or form.get("method") or "get"
            action = (button is not None and button.get("formaction")) or form.get("action") or self.address
            way = self._way(method.upper(), action, [*fields, *mine], free=free)
            rearranges = button is not None and button.get("formnovalidate") is not None
            found.append(way and replace(way, ticked=ticked, rearranges=rearranges))
            if method.upper() == "GET" and free:  # a search that finds nothing
                nothing = [(name, "zzz" if name in free else value) for name, value in fields]
                found.append(self._way("GET", action, [*nothing, *mine]))
        for verb in VERBS:
            if form.get(f"hx-{verb}"):
                found.append(self._way(verb.upper(), form.get(f"hx-{verb}"), fields, partial=True, free=free))
        return found

    def _way(
        self, method: str, target: str, fields: Any = (), *, partial: bool = False, free: frozenset[str] = frozenset()
    ) -> Way | None:
        """None for what leaves this server."""
        parts = urlsplit(urljoin("http://here" + self.address, target))
        if parts.scheme not in {"http", "https"} or parts.netloc != "here":
            return None
        query = parts.query
        if method == "GET" and fields:
            query = "&".join(filter(None, [query, urlencode(fields)]))
            fields = ()
        return Way(method, parts.path + (f"?{query}" if query else ""), partial, tuple(fields), free)
