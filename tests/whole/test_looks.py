"""Every page in a real browser: axe in light, in dark and on a narrow screen, nothing wider than the window, and all of
it with the keyboard. The pages are those that the crawler finds, and each form as it comes back with mistakes;
tests/browser looks at the phone beside them.

All of axe judges the wide, light page. The other looks are the same document, so only what they can change is judged
again: in dark the colours, which are all that it changes; on a narrow screen names, sizes and scrolling, and the
colours of what the wide page does not show, since no width changes those of the rest."""

from __future__ import annotations

from functools import partial
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from whole.crawling import PARTIAL, Crawler, House

pytestmark = [pytest.mark.browser, pytest.mark.looks, pytest.mark.timeout(400)]

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
OF_WIDTH = ["target-size", "button-name", "link-name", "label", "scrollable-region-focusable"]
SIGNED_OUT = ("/sign-in", "/forgot-password", "/no-such-page")
JUDGE = """async (rules) => {  // none: all of them
  const judge = async (include, values) => {
    const options = { preload: false, resultTypes: ['violations'] };
    if (values.length) options.runOnly = { type: 'rule', values };
    const { violations } = await axe.run({ include, exclude: ['#phone'] }, options);
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id} at ${target.join(' ')}`));
  };
  const found = await judge([document], rules);
  const shown = [...document.body.querySelectorAll(':not(#phone, #phone *)')].filter((one) =>
    one.checkVisibility({ visibilityProperty: true }));
  const others = rules.includes('target-size') ? shown.filter((one) => !testShown.has(one)) : [];
  if (!rules.length) globalThis.testShown = new WeakSet(shown);
  return others.length ? [...found, ...(await judge(others, ['color-contrast']))] : found;
}"""
STILL = """(() => {  // colours that fade in would be judged half-way, and cost a picture for each step
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('*, ::before, ::after { transition: none !important; animation: none !important }');
  document.adoptedStyleSheets.push(sheet);
})();"""
SETTLED = """async () => {  // what follows from a change of the look comes with the next frame
  for (let frame = 0; frame < 2; frame += 1) await new Promise((next) => requestAnimationFrame(next));
}"""
TOO_WIDE = """() => {  // a matrix has as many columns as there are roles, and scrolls by itself
  const needed = document.documentElement.scrollWidth;
  const found = needed > innerWidth ? [`${needed} wide`] : [];
  const tables = innerWidth < 390 ? [] : [...document.querySelectorAll('.table-wrap:not(:has(.matrix))')];
  return [...found, ...tables.filter((one) => one.scrollWidth > one.clientWidth)
    .map((one) => `a table of ${one.scrollWidth} in ${one.clientWidth}`)];
}"""
WATCH = """(inside) => {
  const focusable = 'a[href], button, input, select, textarea, summary, [tabindex]';
  globalThis.testWanted = [...document.querySelectorAll(focusable)].filter((one) =>
    one.tabIndex >= 0 && !one.disabled && !one.closest('[inert]') && one.checkVisibility({ visibilityProperty: true })
    && one.getBoundingClientRect().width > 0 && !(one.type === 'radio' && !one.checked) && one.closest(inside));
  globalThis.testSeen = [];
  globalThis.testUnseen = [];
  document.addEventListener('focusin', ({ target }) => {
    testSeen.push(target);
    if (target.tabIndex < 0) return;  // the content, skipped to
    const look = (one) => (one ? getComputedStyle(one) : { outlineStyle: 'none', boxShadow: 'none' });
    const shown = (one) => look(one).outlineStyle !== 'none' || look(one).boxShadow !== 'none';
    if (!shown(target) && !shown(target.parentElement)) testUnseen.push(target.outerHTML.slice(0, 100));
  });
  const parts = '[type=date], [type=time], [type=datetime-local]';  // day, month, year, hour: a stop each
  const stops = testWanted.length + testWanted.filter((one) => one.matches(parts)).length * 6;
  return document.activeElement === document.body ? stops : 0;
}"""
MISSED = """() => ({
  first: testSeen[0]?.className ?? '',
  missed: testWanted
    .filter((one) => one.isConnected && one.tabIndex >= 0 && !testSeen.includes(one))
    .map((one) => one.outerHTML.slice(0, 100)),
  unseen: testUnseen,
})"""


def test_axe_finds_nothing_nothing_is_too_wide_and_the_keyboard_reaches_everything(furnished, cast, window):
    page, complaints = window(cast.root, viewport=WIDE)
    page.context.add_init_script(STILL + AXE)  # which our policy does not reach
    crawler, wrong = Crawler(furnished, cast.root), []
    crawler.crawl()
    for address in [*crawler.few_pages(), "/no-such-page"]:
        page.emulate_media(color_scheme="light")
        page.goto(address)
        wrong += [f"{address}: {one}" for one in (*faults(page), *keyboard(page, whole=address == "/"))]
    assert not wrong, "\n" + "\n".join(dict.fromkeys(wrong))
    assert complaints == []


def test_what_others_see_instead_looks_as_well(furnished, cast, window):
    wrong, known = [], parts_of_pages(Crawler(furnished, cast.root))
    for who in (cast.bo, cast.ada):
        page, complaints = window(who, viewport=WIDE)
        page.context.add_init_script(STILL + AXE)
        for address, parts in parts_of_pages(Crawler(furnished, who)).items():
            if any(parts <= others for others in known.values()):
                continue
            known[address, who] = parts
            page.emulate_media(color_scheme="light")
            page.goto(address)
            wrong += [f"{address} of {who.name}: {one}" for one in (*faults(page), *keyboard(page, whole=False))]
        assert complaints == []
    assert not wrong, "\n" + "\n".join(dict.fromkeys(wrong))


def parts_of_pages(crawler: Crawler) -> dict[Any, frozenset[tuple[str | None, ...]]]:
    """By the address of each kind of page: which elements there are in it, and inside which."""
    crawler.crawl()
    few = set(crawler.few_pages())
    pages = {one.way.address: one.page for one in crawler.visits if one.page and one.page.is_whole}
    return {
        address: frozenset(
            (one.tag, one.get("class"), one.get("role"), one.getparent().get("class"))
            for one in page.root.xpath("//main//*[not(self::svg or self::use)]")
        )
        for address, page in pages.items()
        if address in few
    }


def test_forms_with_mistakes_and_what_strangers_see_look_as_well(furnished, cast, window):
    page, complaints = window(cast.root, viewport=WIDE)
    page.context.add_init_script(STILL + AXE)
    answers, wrong = refused(furnished, cast), []
    for address, html in answers.items():
        page.emulate_media(color_scheme="light")
        page.route(f"**{address}", partial(show, html))
        page.goto(address)
        wrong += [f"{address} with mistakes: {one}" for one in faults(page)]
        page.unroute(f"**{address}")
    page.context.clear_cookies()
    for address in SIGNED_OUT:
        page.emulate_media(color_scheme="light")
        page.goto(address)
        wrong += [f"{address}, signed out: {one}" for one in faults(page)]
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("main")).to_contain_text("do not match")
    wrong += [f"/sign-in, refused: {one}" for one in faults(page)]
    assert len(answers) > 5
    assert not wrong, "\n" + "\n".join(dict.fromkeys(wrong))
    assert complaints == []


def refused(furnished, cast) -> dict[str, str]:
    """Whole pages that answer an empty form, by the address of the form."""
    crawler, house, found = Crawler(furnished, cast.root), House(furnished), {}
    crawler.crawl()
    for way, _ in crawler.forms.values():
        if way.method == "POST":
            fields = {name: "" if name in way.free else value for name, value in way.fields if name not in way.ticked}
            with house.writes():
                answer = crawler.browser().post(way.address, data=fields, headers=PARTIAL if way.partial else {})
            if answer.status_code == 422 and "<!doctype html>" in answer.text:
                found[urlsplit(way.address).path] = answer.text
    return found


def show(html: str, route: Any) -> None:
    route.fulfill(body=html, content_type="text/html")


def faults(page) -> list[str]:
    """What is wrong with how the open page looks; it is wide and light before, narrow and dark afterwards."""
    settle(page)
    found = page.evaluate(JUDGE, [])
    page.set_viewport_size(NARROW)
    found += [f"(390) {one}" for one in page.evaluate(JUDGE, OF_WIDTH)]
    found += [f"(390) {one}" for one in page.evaluate(TOO_WIDE)]
    page.set_viewport_size({**NARROW, "width": 320})
    found += [f"(320) {one}" for one in page.evaluate(TOO_WIDE)]
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="dark")
    page.evaluate(SETTLED)
    return found + [f"(dark) {one}" for one in page.evaluate(JUDGE, ["color-contrast"])]


def keyboard(page, *, whole: bool) -> list[str]:
    """What Tab does not reach, or reaches unseen; beside the content only where `whole`, else the first stop, which
    skips to the content, is taken."""
    stops = page.evaluate(WATCH, "body" if whole else "main")
    if not stops:
        return []  # nothing to reach, or the page has put the focus into its first field
    page.keyboard.press("Tab")
    if not whole:
        page.keyboard.press("Enter")
    for _ in range(stops + 3):
        page.keyboard.down("Tab")  # held: repeats
    page.keyboard.up("Tab")
    told = page.evaluate(MISSED)
    found = [] if "skip" in told["first"] else [f"first comes {told['first']!r}"]
    found += [f"not reached: {one}" for one in told["missed"]]
    return found + [f"focus not seen: {one}" for one in told["unseen"]]


def settle(page) -> None:
    """What the page fetches by itself has come."""
    page.wait_for_load_state()
    for loading in (".htmx-request", "text=Loading…"):
        expect(page.locator(loading)).to_have_count(0)
    page.evaluate(SETTLED)
