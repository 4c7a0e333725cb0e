"""Every page in a real browser: axe in light, in dark and on a narrow screen, nothing wider than the window, and all of
it with the keyboard. The pages are those that the crawler finds; tests/browser looks at the phone beside them."""

from __future__ import annotations

from importlib import resources

import pytest
from playwright.sync_api import expect

from whole.crawling import Crawler

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
JUDGE = """async (rules) => {
  const options = { preload: false, resultTypes: ['violations'] };
  if (rules.length) options.runOnly = { type: 'rule', values: rules };
  const { violations } = await axe.run({ exclude: ['#phone', '#nav'] }, options);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id} at ${target.join(' ')}`));
}"""
WATCH = """() => {
  const focusable = 'a[href], button, input, select, textarea, summary, [tabindex]';
  globalThis.testWanted = [...document.querySelectorAll(focusable)].filter((one) =>
    one.tabIndex >= 0 && !one.disabled && !one.closest('[inert]') && one.checkVisibility({ visibilityProperty: true })
    && one.getBoundingClientRect().width > 0 && !(one.type === 'radio' && !one.checked));
  globalThis.testSeen = [];
  globalThis.testUnseen = [];
  document.addEventListener('focusin', ({ target }) => {
    testSeen.push(target);
    const look = (one) => (one ? getComputedStyle(one) : { outlineStyle: 'none', boxShadow: 'none' });
    const shown = (one) => look(one).outlineStyle !== 'none' || look(one).boxShadow !== 'none';
    if (!shown(target) && !shown(target.parentElement)) testUnseen.push(target.outerHTML.slice(0, 100));
  });
  const parts = [...document.querySelectorAll('[type=date], [type=time], [type=datetime-local]')].length * 6;
  return document.activeElement === document.body ? testWanted.length + parts : 0;  // day, month and year: a stop each
}"""
MISSED = """() => ({
  first: testSeen[0]?.className ?? '',
  missed: testWanted
    .filter((one) => one.isConnected && one.tabIndex >= 0 && !testSeen.includes(one))
    .map((one) => one.outerHTML.slice(0, 100)),
  unseen: testUnseen,
})"""


def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(furnished, cast, window):
    page, complaints = window(cast.root, viewport=WIDE)
    page.context.add_init_script(AXE)  # which our policy does not reach
    crawler, wrong = Crawler(furnished, cast.root), []
    crawler.crawl()
    for address in [*crawler.few_pages(), "/no-such-page"]:
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        page.goto(address)
        settle(page)
        wrong += [f"{address}: {one}" for one in page.evaluate(JUDGE, [])]
        page.set_viewport_size(NARROW)
        wrong += [f"{address} (390): {one}" for one in page.evaluate(JUDGE, [])]
        for width in (390, 320):
            page.set_viewport_size({**NARROW, "width": width})
            needed = page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{address}: {needed} wide in {width}"] if needed > width else []
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="dark")
        wrong += [f"{address} (dark): {one}" for one in page.evaluate(JUDGE, ["color-contrast"])]
    assert not wrong, "\n" + "\n".join(wrong)
    assert complaints == []


def test_everything_is_reached_with_the_keyboard_and_shows_that_it_is(furnished, cast, window):
    page, _ = window(cast.root, viewport=WIDE)
    crawler, wrong = Crawler(furnished, cast.root), []
    crawler.crawl()
    for address in crawler.few_pages():
        page.goto(address)
        settle(page)
        stops = page.evaluate(WATCH)
        if not stops:
            continue  # a form with mistakes has the focus in the first of them
        for _ in range(stops + 3):
            page.keyboard.press("Tab")
        told = page.evaluate(MISSED)
        wrong += [] if "skip" in told["first"] else [f"{address}: first comes {told['first']!r}"]
        wrong += [f"{address}: not reached: {one}" for one in told["missed"]]
        wrong += [f"{address}: focus not seen: {one}" for one in told["unseen"]]
    assert not wrong, "\n" + "\n".join(sorted(set(wrong)))


def settle(page) -> None:
    """What the page fetches by itself has come."""
    page.wait_for_load_state()
    for loading in (".htmx-request", "text=Loading…"):
        expect(page.locator(loading)).to_have_count(0)
