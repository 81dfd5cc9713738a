"""What the page offers besides colouring: tones, the colours that were there, named variants, and the export sheet."""

import io
import re
import zipfile

import numpy as np
from browsing import coloured, opened, violations
from PIL import Image
from playwright.sync_api import expect


def shown(page, side):
    """The mean of a side of the viewer, as the browser has it: red, green, blue."""
    return page.evaluate(
        """(side) => {
            const image = document.querySelector(`#viewer .${side} img`);
            const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0, 32, 32);
            const { data } = context.getImageData(0, 0, 32, 32);
            return [0, 1, 2].map((c) => data.filter((_, at) => at % 4 === c).reduce((a, b) => a + b, 0) / 1024);
        }""",
        side,
    )


def test_a_photograph_that_had_colour_can_keep_it(open_page, tmp_path, drawn):
    drawn(3, 320, 240).save(tmp_path / "beach.jpg", quality=95)
    page = open_page()
    opened(page, tmp_path / "beach.jpg")
    expect(page.locator("#facts")).to_have_text("320 \u00d7 240, JPEG, came in colour")
    names = page.locator("#variants .words")
    expect(names.nth(1)).to_have_text(re.compile("[a-z]"))
    assert names.nth(0).text_content() == "Likeliest"
    assert len(set(names.all_text_contents())) > 3
    page.get_by_label("Keep the colours it came with").check()
    coloured(page)
    assert np.abs(np.subtract(shown(page, "before"), shown(page, "after"))).max() < 1.5
    expect(page.locator("#variants")).to_be_hidden()
    with page.expect_download() as caught:
        page.click("#download")
    assert caught.value.path().read_bytes() == (tmp_path / "beach.jpg").read_bytes()
    page.keyboard.press("Control+z")
    expect(page.get_by_label("Keep the colours it came with")).not_to_be_checked()
    expect(page.locator("#variants")).to_be_visible()


def test_tones_warmth_and_the_names_of_variants_follow(open_page, tmp_path, drawn):
    faded = drawn(3, 320, 240).convert("L").point(lambda value: 90 + value // 4)
    faded.save(tmp_path / "faded.png")
    page = open_page()
    opened(page, tmp_path / "faded.png")
    expect(page.locator("#keep-row")).to_be_hidden()
    red, _, blue = shown(page, "after")
    page.get_by_role("slider", name="Warmth").press("End")
    expect(page.locator("#warmth-value")).to_have_text("+100 %")
    coloured(page)
    warm = shown(page, "after")
    assert warm[0] - warm[2] > red - blue + 20
    with page.expect_response(lambda answer: "restore_tone=true" in answer.url and "warmth=1" in answer.url):
        page.get_by_label("Restore faded tones").check()
    page.get_by_role("slider", name="Saturation").press("Home")
    expect(page.locator("#variants .words").nth(2)).to_have_text("nearly the same")
    page.click("#reset")
    expect(page.get_by_label("Restore faded tones")).not_to_be_checked()
    expect(page.locator("#variants .words").nth(2)).not_to_have_text("nearly the same")


def test_the_export_sheet(open_page, tmp_path, drawn):
    drawn(3, 720, 480).convert("L").save(tmp_path / "harbour.jpg")
    page = open_page()
    opened(page, tmp_path / "harbour.jpg")
    page.get_by_role("button", name="Export\u2026").click()
    sheet = page.get_by_role("dialog", name="Export")
    expect(sheet).to_be_visible()
    for width, height in ((1366, 650), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        box = sheet.bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
        assert violations(page) == []

    def exported():
        with page.expect_download() as caught:
            sheet.get_by_role("button", name="Export", exact=True).click()
        expect(sheet).to_be_hidden()
        page.get_by_role("button", name="Export\u2026").click()
        return caught.value.suggested_filename, caught.value.path().read_bytes()

    name, plain = exported()
    assert name == "harbour.color.jpg"
    sheet.get_by_label("Format").select_option("WebP")
    sheet.get_by_label("Size").select_option("640 \u00d7 427")
    sheet.get_by_role("slider", name="Quality").press("Home")
    sheet.get_by_label("A small mark in the corner").check()
    name, data = exported()
    assert name == "harbour.color.webp"
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("WEBP", (640, 427))
    assert len(data) < len(plain) / 4
    for label, expected, start in (
        ("The colour alone, as a layer", "harbour.layer.png", b"\x89PNG"),
        ("A card: before and after", "harbour.before-after.jpg", b"\xff\xd8"),
        ("A short film from gray to colour", "harbour.before-after.mp4", None),
    ):
        sheet.get_by_label(label).check()
        expect(sheet.get_by_label("Format")).to_be_visible(visible=start is not None)
        name, data = exported()
        assert name == expected
        assert data.startswith(start) if start else data[4:8] == b"ftyp"
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("Control+z")  # the mark is part of the look
    page.get_by_role("button", name="Export\u2026").click()
    expect(sheet.get_by_label("A small mark in the corner")).not_to_be_checked()


def test_all_are_exported_as_one_archive(open_page, photographs, tmp_path, gif):
    (tmp_path / "train.gif").write_bytes(gif)
    page = open_page()
    opened(page, [*photographs, tmp_path / "train.gif"])
    expect(page.locator("#queue")).to_have_text("2 photographs, 1 GIF")
    page.get_by_role("button", name="Export\u2026").click()
    sheet = page.get_by_role("dialog", name="Export")
    sheet.get_by_label("All 3, each in its look, as one archive").check()
    assert violations(page) == []
    sheet.get_by_label("Format").select_option("WebP")
    sheet.get_by_label("Size").select_option("As they are")
    sheet.get_by_label("A small mark in the corner").check()

    def exported():
        with page.expect_download() as caught:
            sheet.get_by_role("button", name="Export", exact=True).click()
        expect(sheet).to_be_hidden()
        assert caught.value.suggested_filename == "photochrom.zip"
        return zipfile.ZipFile(caught.value.path())

    with exported() as found:
        assert found.namelist() == ["grandmother.color.webp", "harbour.color.webp", "train.color.gif"]
        # Both have the mark, whose hues are in the corner.
        for name, size in (("grandmother.color.webp", (320, 240)), ("harbour.color.webp", (200, 300))):
            with Image.open(io.BytesIO(found.read(name))) as image:
                assert image.size == size
                assert np.ptp(np.asarray(image.convert("RGB"), int)[-16:-4, -16:-4], -1).max() > 60
    page.keyboard.press("Control+z")  # one change, however many photographs it was of
    page.get_by_role("button", name="Export\u2026").click()
    expect(sheet.get_by_label("A small mark in the corner")).not_to_be_checked()
    sheet.get_by_label("The colour alone, as a layer").check()
    sheet.get_by_label("All 2, each in its look, as one archive").check()  # a film has no layer
    expect(sheet.get_by_label("A small mark in the corner")).not_to_be_checked()
    with exported() as found:
        assert found.namelist() == ["grandmother.layer.png", "harbour.layer.png"]
