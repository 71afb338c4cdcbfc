"""What only a browser can tell: that pages fit, can be read, keep to their policy, and obey fingers and keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.web.conftest import PHONE, WIDE
from tests.web.sample_contexts import PAGES

pytestmark = pytest.mark.browser

# Every text against the colour behind it, by WCAG 2.2's formula: 4.5, or 3 where it is large. What is disabled,
# hidden, or over a picture is left out.
TOO_FAINT = """async (scheme) => {
  while (!matchMedia(`(prefers-color-scheme: ${scheme})`).matches) await new Promise((soon) => setTimeout(soon, 5));
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
  const light = (colour) => colour.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim()) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest('.sr-only, .skip-link, :disabled, option, noscript')) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const front = over(rgba(element instanceof SVGElement ? style.fill : style.color), back);
    const [high, low] = [light(front), light(back)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const said = `${walker.currentNode.data.trim()} (${ratio.toFixed(2)})`;
    if (ratio < (large ? 3 : 4.5)) faint.push(said);
  }
  return faint;
}"""


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
def test_every_page_fits_can_be_read_and_keeps_its_policy(chromium: Browser, site: str, size: ViewportSize) -> None:
    context = chromium.new_context(viewport=size, base_url=site, reduced_motion="reduce")
    page = context.new_page()
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda error: broken.append(str(error)))
    for name in PAGES:
        page.goto(f"/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{name} scrolls sideways"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(TOO_FAINT, scheme) == [], (name, scheme)
    assert broken == []
    context.close()


def test_the_why_opens_under_the_pointer_and_goes_with_it(wide: Page) -> None:
    wide.goto("/leads")
    panel = wide.locator("#lead-01990001 .why-panel")
    expect(panel).not_to_be_visible()
    wide.hover("#lead-01990001 summary")
    expect(panel).to_be_visible()
    wide.mouse.move(5, 5)
    expect(panel).not_to_be_visible()


def test_the_why_opens_under_a_finger_within_reach(phone: Page) -> None:
    phone.goto("/leads")
    phone.tap("#lead-01990001 summary")
    panel = phone.locator("#lead-01990001 .why-panel")
    expect(panel).to_be_visible()
    box = panel.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"]
    phone.touchscreen.tap(200, 40)
    expect(panel).not_to_be_visible()
    assert phone.url.endswith("/leads"), "a tap beside the sheet only closes it"


def test_touch_targets_are_large_enough(phone: Page) -> None:
    phone.goto("/leads")
    for selector in ("#lead-01990001 summary", ".tabbar a >> nth=0", ".subtabs a >> nth=0"):
        box = phone.locator(selector).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 40, selector


def test_the_list_is_walked_by_keys(wide: Page) -> None:
    wide.goto("/leads")
    for key in ("j", "j", "k", "j"):
        wide.keyboard.press(key)
    expect(wide.locator("#lead-01990001 .lead-link")).to_be_focused()
    wide.keyboard.press("w")
    expect(wide.locator("#lead-01990001 .why-panel")).to_be_visible()
    wide.keyboard.press("Escape")
    expect(wide.locator("#lead-01990001 .why-panel")).not_to_be_visible()
    wide.keyboard.press("/")
    expect(wide.locator("#f-q")).to_be_focused()
    wide.keyboard.type("j?")
    expect(wide.locator("#f-q")).to_have_value("j?")


def test_enter_opens_the_lead(wide: Page) -> None:
    wide.goto("/leads")
    wide.keyboard.press("j")
    wide.keyboard.press("Enter")
    wide.wait_for_url("**/leads/01990000")


def test_shortcuts_are_shown_and_can_be_switched_off(wide: Page) -> None:
    wide.goto("/leads")
    wide.keyboard.press("?")
    wide.get_by_label("Single-key shortcuts are on").uncheck()
    wide.keyboard.press("Escape")
    wide.keyboard.press("j")
    expect(wide.locator("#lead-01990000 .lead-link")).not_to_be_focused()


def test_the_first_tab_skips_to_the_content(wide: Page) -> None:
    wide.goto("/leads")
    wide.keyboard.press("Tab")
    expect(wide.locator(".skip-link")).to_be_in_viewport()
    wide.keyboard.press("Enter")
    expect(wide.locator("#main")).to_be_focused()


def test_colours_change_at_once_and_are_remembered_for_the_server(wide: Page) -> None:
    wide.goto("/leads")
    wide.click(".sidebar .popmenu summary")
    wide.click(".sidebar button[value=dark]")
    assert wide.locator("html").get_attribute("data-theme") == "porchlight-dark"
    assert {cookie["name"]: cookie["value"] for cookie in wide.context.cookies()} == {"theme": "dark"}
    wide.click(".sidebar button[value=system]")
    assert wide.locator("html").get_attribute("data-theme") is None
    assert wide.context.cookies() == []


def test_without_a_script_the_list_still_filters_explains_and_pages(scriptless: Page) -> None:
    scriptless.goto("/leads")
    scriptless.click("#lead-01990002 summary")
    expect(scriptless.locator("#lead-01990002 .why-panel")).to_be_visible()
    scriptless.fill("#f-q", "ada")
    scriptless.select_option("#f-stage", "touring")
    scriptless.click("text=Apply")
    assert re.search(r"/leads\?view=all&q=ada&stage=touring", scriptless.url)
    scriptless.click("text=Show more")
    assert "cursor=" in scriptless.url
    assert scriptless.locator("[data-live-state]:visible").count() == 0


def test_without_a_script_a_lead_can_be_given_away(scriptless: Page) -> None:
    scriptless.goto("/lead")
    scriptless.click("summary:has-text('Reassign')")
    scriptless.select_option("#f-owner_id", "a2")
    with scriptless.expect_request("**/leads/01990000/reassign") as request:
        scriptless.click("button:has-text('Reassign')")
    assert request.value.method == "POST"
    assert "owner_id=a2" in str(request.value.post_data)
    assert "csrf_token=token" in str(request.value.post_data)
