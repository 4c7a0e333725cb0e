"""axe finds nothing wrong in any state of the phone: in light, in dark and on a narrow screen.
tests/whole/test_looks.py looks at the pages beside it."""

from importlib import resources

import pytest
from playwright.sync_api import expect

from browser.people import PRIYA, SALES

pytestmark = [pytest.mark.browser, pytest.mark.looks, pytest.mark.timeout(180)]

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
STILL = {"reduced_motion": "reduce"}  # a colour that is just fading in has no contrast yet
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}, **STILL},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}, **STILL},
    "390": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, **STILL},
}
RUN = """async () => {
  const { violations } = await axe.run(document, { preload: false, resultTypes: ['violations'] });
  const told = (id) => ({ target, failureSummary }) => `${id} at ${target.join(' ')}. ${failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map(told(id)));
}"""


class Judge:
    """Collects what axe finds, with the name of what was looked at."""

    def __init__(self, page) -> None:
        self._page = page
        self.found: list[str] = []

    def look(self, name: str) -> None:
        self._page.wait_for_load_state()
        for loading in (".htmx-request", "text=Loading…"):
            expect(self._page.locator(loading)).to_have_count(0)
        self.found += [f"{name}: {violation}" for violation in self._page.evaluate(RUN)]


def opened(people, look):
    """Ada's phone, and a judge of its page. axe comes as an init script, which our policy does not reach."""
    phone = people.ada(**LOOKS[look])
    phone.page.context.add_init_script(AXE)
    phone.page.reload()
    return phone, Judge(phone.page)


@pytest.mark.parametrize("look", LOOKS)
def test_the_phone_in_its_states_and_what_a_call_leaves_behind(people, exchange, look):
    ada, judge = opened(people, look)
    judge.look("off")
    ada.start()
    judge.look("ready")
    for tab in ("Recent", "Keypad", "Contacts"):
        ada.dock.get_by_role("tab", name=tab).click()
        judge.look(tab)
    caller = exchange.ring(SALES, from_=PRIYA, behaviour="tone:600")
    ada.is_("incoming")
    judge.look("ringing")
    ada.card("Priya Raman").get_by_role("button", name="Accept").click()
    ada.is_("active")
    ada.press("Keypad")
    judge.look("on a call, with its keypad")
    ada.press("Mute")
    ada.hold()
    judge.look("muted and on hold")
    exchange.ring(SALES, from_="+15055550100", behaviour="silent", give_up_after=20)
    expect(ada.card("Tomás Herrera")).to_be_visible(timeout=60_000)
    judge.look("a second call waits")
    ada.card("Tomás Herrera").get_by_role("button", name="Reject").click()
    call_id = ada.call["id"]
    ada.end()
    caller.over()
    ada.says("Call ended")
    judge.look("a call ended")

    page = ada.page
    page.goto(f"/calls/{call_id}")
    expect(page.get_by_role("button", name="Play recording").first).to_be_visible(timeout=60_000)
    judge.look("the page of a call")
    page.goto("/calls")
    judge.look("history")
    page.goto("/admin/voip/recordings")
    page.get_by_role("button", name="Play recording").first.click()
    expect(page.locator("recording-player")).to_be_visible()
    judge.look("a recording plays")
    assert "\n".join(judge.found) == ""
