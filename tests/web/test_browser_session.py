"""What the page does with a session in Chromium: shown at once, undone, in sight, found again after a reload."""

import re

from browsing import coloured, dots, held, lost, opened
from playwright.sync_api import expect

# ---- what is undone


def test_every_change_of_the_look_is_undone_and_redone(open_page, photographs):
    page = open_page()
    opened(page, photographs)
    undo, redo = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Redo")
    expect(undo).to_be_disabled()
    page.get_by_role("slider", name="Saturation").press("End")
    page.locator("#variants input[value='2']").check()
    page.get_by_role("button", name="Use for all").click()
    page.get_by_role("button", name="Reset").click()
    states = []
    look = lambda: (  # noqa: E731
        page.locator("#saturation-value").text_content(),
        page.locator("#variants input:checked").get_attribute("value"),
        page.locator("#name").text_content(),
    )
    for _ in range(4):
        states.append(look())
        undo.click()
    # "Use for all" is undone where it can be seen, and so is what was done before it.
    assert states == [
        ("100 %", "0", "grandmother.jpg"),
        ("200 %", "2", "grandmother.jpg"),
        ("100 %", "0", "harbour.png"),
        ("200 %", "0", "grandmother.jpg"),
    ]
    expect(undo).to_be_disabled()
    for _ in range(4):
        redo.click()
    expect(redo).to_be_disabled()
    page.get_by_role("radio", name=re.compile("harbour.png")).check()
    expect(page.locator("#saturation-value")).to_have_text("200 %")


# ---- the photograph at once, the surround, and the download in sight


def test_the_photograph_shows_before_it_is_sent(open_page, photographs):
    page = open_page()
    with held(page, "**/api/v1/jobs?*"):
        page.set_input_files("#files", photographs)
        image = page.locator("#viewer.alone .before img.gray")
        expect(image).to_be_visible()
        assert image.evaluate("(image) => [image.naturalWidth, image.naturalHeight]") == [320, 240]
        expect(page.locator("#strip .tile canvas.gray")).to_have_count(2)
        expect(page.locator("#strip .state").first).to_have_text("sending")
    coloured(page)
    expect(page.locator("#viewer")).not_to_have_class(re.compile("alone"))
    expect(page.locator("#strip .state").first).to_be_hidden()


def test_the_title_of_the_tab_says_how_far_it_is(open_page, photographs):
    page = open_page()
    start = page.title()
    with held(page, "**/api/v1/jobs?*"):
        page.set_input_files("#files", photographs)
        expect(page).to_have_title(re.compile(r"^0 of 2 coloured.* \u2013 photochrom$"))
    coloured(page)
    expect(page).to_have_title("grandmother.jpg \u2013 photochrom")
    page.click("#remove")
    expect(page).to_have_title("harbour.png \u2013 photochrom")
    page.click("#remove")
    expect(page).to_have_title(start)


def test_a_long_name_is_cut_in_its_middle(open_page, tmp_path, drawn):
    name = "a letter about grandmother and her long journey to Quebec, scanned.jpg"
    drawn(1, 64, 48).convert("L").save(tmp_path / name)
    page = open_page()
    opened(page, tmp_path / name)
    expect(page.locator("#name")).to_have_text(re.compile("^a letter about grandm.*\u2026.*scanned.jpg$"))
    assert len(page.locator("#name").inner_text()) <= 46
    assert page.locator("#name").get_attribute("title") == name


def test_the_surround_is_neutral_and_space_shows_the_original(open_page, photographs):
    page = open_page()
    opened(page, photographs[0])
    expect(page.locator("#viewer")).not_to_have_class(re.compile("alone"))
    grounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        ground = page.evaluate("() => getComputedStyle(document.getElementById('viewer')).backgroundColor")
        assert len(set(re.findall(r"\d+", ground)[:3])) == 1
        grounds.add(ground)
    assert len(grounds) == 2
    seen = "() => getComputedStyle(document.querySelector('#viewer .after')).visibility"
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.down(" ")
    assert page.evaluate(seen) == "hidden"
    page.keyboard.up(" ")
    assert page.evaluate(seen) == "visible"


def test_the_download_is_in_sight(open_page, photographs):
    page = open_page()
    opened(page, photographs)
    for width, height in ((1366, 650), (1024, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for scroll in (0, 10_000):
            page.evaluate("(y) => { scrollTo(0, y); document.querySelector('.scroll').scrollTop = y; }", scroll)
            for part in ("#download", "#undo", "#viewer .after img"):
                box = page.locator(part).bounding_box()
                assert box["x"] >= 0, part
                assert box["x"] + box["width"] <= width, part
                assert box["y"] >= 0, part
                assert box["y"] + box["height"] <= height, part
        assert page.evaluate("() => document.documentElement.scrollWidth") == width


# ---- a reload


def test_a_reload_finds_everything_again(open_page, photographs, tmp_path):
    page = open_page()
    box = opened(page, photographs)
    page.get_by_role("button", name="Point", exact=True).click()
    page.mouse.click(box["x"] + 50, box["y"] + 50)
    page.locator("#picker-usual .swatch").first.click()
    page.get_by_role("slider", name="Saturation").press("End")
    coloured(page)
    before = dots(page)
    expect(page.locator(".kept")).to_have_text("Kept for 30 minutes after their last use; a reload finds them again.")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]  # what is not downloaded would be lost in the end
    coloured(page)
    expect(page.locator("#name")).to_have_text("grandmother.jpg")
    expect(page.locator("#strip .tile")).to_have_count(2)
    expect(page.locator("#saturation-value")).to_have_text("200 %")
    assert dots(page) == before
    page.get_by_role("button", name="Download all").click()
    expect(page.get_by_role("button", name="Download all")).to_be_enabled()
    page.wait_for_function("() => JSON.parse(sessionStorage.session).kept.every(({ saved }) => saved)")
    page.reload()
    coloured(page)
    assert asked == ["beforeunload"]
    for _ in range(2):
        page.click("#remove")
    page.reload()
    expect(page.get_by_role("heading", name="Colour for your photographs")).to_be_visible()


def test_what_the_server_lost_is_said_after_a_reload(open_page, photographs):
    page = open_page(refusals="status of 404")
    lost(page, photographs[0])
    page.reload()
    expect(page.locator("#lost")).to_have_text("1 of your photographs is no longer on the server.")
