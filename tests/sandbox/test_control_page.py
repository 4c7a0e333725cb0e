"""The control page in a real browser."""

import pytest
from browsers import chromium
from chromium import CHROMIUM_ARGUMENTS
from playwright.async_api import async_playwright, expect
from world import NUMBER, eventually, world

pytestmark = pytest.mark.browser


async def test_a_person_rings_a_number_watches_the_call_and_ends_it(tmp_path):
    async with world(tmp_path, voice="<Pause length='60'/>") as place, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        page = await browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        complaints, foreign = [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(place.serving.url) else foreign.append(request.url),
        )
        await page.goto(place.serving.url)
        await expect(page.locator("select[name=to]")).to_have_value(NUMBER)
        await page.get_by_label("Called from").fill("+1 555 014 2177")
        await page.get_by_label("The caller").select_option("silent")
        await page.get_by_role("button", name="Ring").click()
        (call,) = await eventually(lambda: list(place.exchange.calls.values()))
        assert call.from_ == "+15550142177"
        await expect(page.locator("#calls")).to_contain_text("in-progress")
        await expect(page.locator("#hooks")).to_contain_text("200 in")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.get_by_role("button", name="End the call from +15550142177").click()
        await expect(page.locator("#calls")).to_contain_text("No calls")
        assert call.status == "completed"
        await page.get_by_label("Called from").fill("<b>12</b>")
        await page.get_by_role("button", name="Ring").click()
        await expect(page.locator("output")).to_contain_text("neither a number nor a word")
        await browser.close()
        assert [text for text in complaints if "400" not in text] == []
        assert foreign == []
