"""What a file says arrives in the result in every format, or the run says what it dropped."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from photochrom import Colorizer
from photochrom.imaging import io as pio
from photochrom.imaging.captions import captions_of
from photochrom.imaging.carrying import carried
from photochrom.imaging.metadata import upright_exif
from photochrom.imaging.picture import Picture
from photochrom.imaging.provenance import signed
from photochrom.imaging.tags import ASCII, UNDEFINED, Value, amended, exif_of, fields_of
from photochrom.imaging.xmp import made_true, properties

GRAY = np.tile(np.arange(48, dtype="uint8") * 5, (40, 1))
ARTIST = "José Müller".encode()
LATIN = "Großmutter".encode("latin-1")
IPTC = b"\x1c\x02\x78\0\x0aGro\xdfmutter\x1c\x02\x19\0\4farm"
RESOURCES = b"8BIM\4\4\0\0" + struct.pack(">I", len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
OTHER = b"8BIM\4\x0a\0\0\0\0\0\1\1\0"
THUMBNAIL = b"8BIM\4\x0c\0\0\0\0\0\2ab"
FIELDS = {
    269: Value(ASCII, b"Album 7\0"),
    285: Value(ASCII, b"front\0"),
    297: Value(3, struct.pack("<2H", 3, 9)),
    315: Value(ASCII, ARTIST + b"\0"),
    18246: Value(3, struct.pack("<H", 4)),
    33432: Value(ASCII, LATIN + b"\0"),
    40091: Value(1, "Oma".encode("utf-16le") + b"\0\0"),
    0x8769: {0x9286: Value(UNDEFINED, b"ASCII\0\0\0a comment")},
}
HEAD = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'


def packet(inside, attributes=DC):
    described = f'<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description>'
    return f"{HEAD}{described}</rdf:RDF></x:xmpmeta>".encode()


TITLE = packet("<dc:title>Nipomo</dc:title>")


def saved(image, format, **settings):
    out = io.BytesIO()
    image.save(out, format, **settings)
    return out.getvalue()


def segment(marker, data):
    return bytes([255, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments, **settings):
    data = saved(Image.fromarray(GRAY), "JPEG", **settings)
    return data[:2] + b"".join(segments) + data[2:]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*chunks):
    data = saved(Image.fromarray(GRAY), "PNG")
    return data[:33] + b"".join(chunk(*one) for one in chunks) + data[33:]


def raw_profile(kind, data):
    digits = data.hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return b"Raw profile type " + kind + b"\0\0" + zlib.compress(b"\n%b\n%8d\n%b\n" % (kind, len(data), lines))


def everything():
    return Picture(
        GRAY, exif=exif_of(FIELDS), xmp=TITLE, dpi=(300, 150), captions=captions_of(RESOURCES, comments=(b"page 12",))
    )


# By format, what it holds no place for; everything else has to come back.
LOST = {
    "JPEG": set(),
    "PNG": set(),
    "TIFF": set(),
    "WEBP": {"IPTC"},
    "AVIF": {"IPTC"},
    "GIF": {"EXIF", "IPTC", "resolution"},
    "JPEG2000": set(),
    "BMP": {"EXIF", "IPTC", "XMP", "comments"},
}


@pytest.mark.parametrize("format", LOST)
def test_each_field_is_in_the_result_or_named(format):
    before = everything()
    after = pio.read(pio.encode(signed(before), format))
    notes = " ".join(carried(before, format)[1])
    assert {word for word in ("EXIF", "IPTC", "XMP", "comments", "resolution") if word in notes} == LOST[format]
    if "EXIF" not in LOST[format]:
        found, order = fields_of(after.exif)
        assert order == "<"
        assert {tag: found.get(tag) for tag in FIELDS} == FIELDS
    assert after.captions.iptc == (None if "IPTC" in LOST[format] else IPTC)
    if "comments" not in LOST[format]:
        description = fields_of(after.exif)[0].get(270)
        assert b"page 12" in ((description.data.rstrip(b"\0"),) if description else after.captions.sentences)
    if "XMP" not in LOST[format]:
        assert b"<dc:title>Nipomo</dc:title>" in after.xmp
    assert after.dpi == (None if "resolution" in LOST[format] else pytest.approx((300, 150), abs=0.02))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "JPEG2000", "AVIF"])
def test_nothing_is_named_where_nothing_is_lost(format):
    assert carried(Picture(GRAY), format)[1] == ()


# ---- what is read


@pytest.mark.parametrize("target", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_the_words_of_a_tiff_stay_the_bytes_they_are(byteorder, target):
    out = io.BytesIO()
    tags = [
        (270, 2, None, "Ölmühle, Straße 1920".encode(), True),
        (315, 2, None, ARTIST, True),
        (269, 2, None, LATIN, True),
        (18246, 3, 1, 4, True),
        (40091, 1, None, "Oma".encode("utf-16le") + b"\0\0", True),
    ]
    tifffile.imwrite(out, GRAY, byteorder=byteorder, extratags=tags, metadata=None, software=False)
    after = pio.read(pio.encode(pio.read(out.getvalue()), target))
    found, order = fields_of(after.exif)
    assert {tag: found[tag].data.rstrip(b"\0") for tag in (270, 315, 269)} == {
        270: "Ölmühle, Straße 1920".encode(),
        315: ARTIST,
        269: LATIN,
    }
    assert struct.unpack(order + "H", found[18246].data) == (4,)
    assert found[40091].data == "Oma".encode("utf-16le") + b"\0\0"


def test_the_iptc_of_a_tiff_that_was_written_as_numbers():
    padded = IPTC + bytes(-len(IPTC) % 4)
    turned = b"".join(padded[at : at + 4][::-1] for at in range(0, len(padded), 4))
    assert captions_of(iptc=turned).iptc == padded.rstrip(b"\0")


def test_the_captions_of_a_jpeg():
    data = jpeg(
        segment(0xED, b"Photoshop 3.0\0" + RESOURCES + THUMBNAIL),
        segment(0xED, b"Photoshop 3.0\0" + OTHER),
        segment(0xFE, b"Blue album\0"),
        segment(0xFE, LATIN),
    )
    found = pio.read(data).captions
    assert found.iptc == IPTC
    assert found.resources == RESOURCES + OTHER
    assert found.comments == (b"Blue album", LATIN)
    assert pio.read(pio.encode(pio.read(data), "JPEG")).captions == found


def test_long_resources_and_comments_of_a_jpeg():
    long = b"8BIM\4\x0b\0\0" + struct.pack(">I", 90000) + b"u" * 90000
    before = Picture(GRAY, captions=captions_of(long, comments=(b"c" * 70000,)))
    after = pio.read(pio.encode(before, "JPEG")).captions
    assert after.resources == long
    assert b"".join(after.comments) == b"c" * 70000


def test_the_texts_of_a_png():
    texts = [
        (b"tEXt", b"Title\0Grandma"),
        (b"zTXt", b"Author\0\0" + zlib.compress("Jürgen".encode("latin-1"))),
        (b"iTXt", "Description\0\0\0de\0\0Auf dem Hof, Jürgen".encode()),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"packed")),
    ]
    before = pio.read(png(*texts))
    assert before.captions.texts == tuple(name + data for name, data in texts)
    said = ("Title: Grandma", "Author: Jürgen", "Description: Auf dem Hof, Jürgen", "packed")
    assert before.captions.sentences == tuple(text.encode() for text in said)
    assert pio.read(pio.encode(before, "PNG")).captions == before.captions
    assert pio.read(pio.encode(before, "JPEG")).captions.comments == before.captions.sentences
    assert fields_of(pio.read(pio.encode(before, "TIFF")).exif)[0][270].data == "\n".join(said).encode() + b"\0"


def test_profiles_that_imagemagick_wrote_as_text():
    exif = exif_of({274: Value(3, b"\6\0"), 306: Value(ASCII, b"1944:06:06 06:30:00\0")})
    data = png(
        (b"zTXt", raw_profile(b"exif", exif)),
        (b"zTXt", raw_profile(b"iptc", RESOURCES)),
        (b"zTXt", raw_profile(b"xmp", TITLE)),
    )
    found = pio.read(data)
    assert found.size == (40, 48)  # turned as its EXIF says
    assert fields_of(found.exif)[0][306].data == b"1944:06:06 06:30:00\0"
    assert (found.captions.iptc, found.xmp, found.captions.texts) == (IPTC, TITLE, ())


def test_a_profile_in_text_that_is_broken_stays_text():
    broken = b"tEXt", b"Raw profile type exif\0no digits"
    assert pio.read(png(broken)).captions.texts == (b"".join(broken),)


def test_comments_of_a_gif_wherever_they_stand():
    data = saved(Image.fromarray(GRAY), "GIF", comment=b"first")
    found = pio.read(data[:-1] + b"!\xfe\5later\0;").captions.comments
    assert found == (b"first", b"later")


# ---- resolution


@pytest.mark.parametrize("target", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("source", ["tiff", "jpeg with exif"])
def test_no_resolution_where_there_was_none(source, target):
    out = io.BytesIO()
    tifffile.imwrite(out, GRAY, metadata=None, resolutionunit="NONE")
    plain = exif_of({315: Value(ASCII, b"me\0")})
    data = out.getvalue() if source == "tiff" else jpeg(exif=plain)
    before = pio.read(data)
    assert before.dpi is None
    assert pio.read(pio.encode(before, target)).dpi is None


def test_resolution_in_centimetres():
    out = io.BytesIO()
    tifffile.imwrite(out, GRAY, resolution=(100, 50), resolutionunit="CENTIMETER")
    assert pio.read(out.getvalue()).dpi == pytest.approx((254, 127))


# ---- damaged EXIF


def broken_blocks():
    whole = exif_of({271: Value(ASCII, b"Contax\0"), 315: Value(ASCII, b"Lange\0")})[6:]
    count = struct.pack("<H", 9)
    yield "too many entries", whole[:8] + count + whole[10:]
    yield "a value beyond the end", whole.replace(struct.pack("<HHI", 315, 2, 6), struct.pack("<HHI", 315, 2, 60000))
    yield "an unknown kind", whole.replace(struct.pack("<HHI", 315, 2, 6), struct.pack("<HHI", 315, 99, 6))
    yield "no first directory", whole[:4] + b"\xff\xff\0\0" + whole[8:]
    yield "its prefix twice", b"Exif\0\0" + whole


@pytest.mark.parametrize(("what", "block"), list(broken_blocks()))
def test_exif_that_is_a_little_broken(what, block):
    after, _, notes = upright_exif(b"Exif\0\0" + block)
    assert fields_of(after)[0][271].data == b"Contax\0"
    assert bool(notes) == (what not in ("no first directory", "its prefix twice"))
    exif = Image.Exif()
    exif.load(after)
    assert exif[271] == "Contax"


def test_exif_cut_short_within_its_directory():
    block = b"Exif\0\0II*\0\x08\0\0\0\2\0" + struct.pack("<HHI4s", 271, 2, 4, b"Leo\0")
    after, _, notes = upright_exif(block)
    assert fields_of(after)[0] == {271: Value(ASCII, b"Leo\0")}
    assert notes == ("its EXIF is damaged, and some fields of it cannot be read",)


def test_exif_longer_than_jpeg_holds_loses_its_longest_field_only():
    note = {0x927C: Value(UNDEFINED, b"m" * 70000), 0x9003: Value(ASCII, b"1936\0")}
    before = Picture(GRAY, exif=exif_of({315: Value(ASCII, b"Lange\0"), 0x8769: note}))
    found = fields_of(pio.read(pio.encode(before, "JPEG")).exif)[0]
    assert found == {315: Value(ASCII, b"Lange\0"), 0x8769: {0x9003: Value(ASCII, b"1936\0")}}
    assert carried(before, "JPEG")[1] == ("the longest part of its EXIF was left out, as JPEG holds 64 kB",)


def test_amended_keeps_the_order_of_bytes():
    before = exif_of({18246: Value(3, b"\0\4")}, ">")
    fields, order = fields_of(amended(before, {315: Value(ASCII, b"me\0")}))
    assert (fields, order) == ({315: Value(ASCII, b"me\0"), 18246: Value(3, b"\0\4")}, ">")


# ---- XMP


def test_a_long_packet_goes_through_a_jpeg():
    history = "<dc:source>" + "h" * 150000 + "</dc:source>"
    before = packet("<dc:title>Nipomo</dc:title>" + history)
    data = pio.encode(Picture(GRAY, xmp=before), "JPEG")
    with Image.open(io.BytesIO(data)) as image:
        assert b"Nipomo" in image.info["xmp"]
        assert len(image.info["xmp"]) < 1000
    after = pio.read(data)
    assert after.notes == ()
    assert [(p.name, after.xmp[p.start : p.end]) for p in properties(after.xmp)] == [
        ("title", b"<dc:title>Nipomo</dc:title>"),
        ("source", history.encode()),
    ]


def test_an_extended_packet_that_is_not_whole_is_named():
    extended = packet("<dc:source>far</dc:source>")
    digest = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()
    note = f'{DC} xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="{digest}"'
    main = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet("<dc:title>near</dc:title>", note))
    head = b"http://ns.adobe.com/xmp/extension/\0" + digest.encode() + struct.pack(">II", len(extended), 0)
    whole = pio.read(jpeg(main, segment(0xE1, head + extended)))
    assert whole.notes == ()
    assert b"<dc:source>far</dc:source>" in whole.xmp
    cut = pio.read(jpeg(main, segment(0xE1, head + extended[:-50])))
    assert cut.notes == ("a part of its XMP is damaged and was left out",)
    for found in (whole, cut):
        assert b"<dc:title>near</dc:title>" in found.xmp
        assert b"HasExtendedXMP" not in found.xmp


GOOGLE = "http://ns.google.com/photos/1.0/"
ANNOUNCING = {
    "motion photo": (f'{DC} xmlns:G="{GOOGLE}camera/" G:MotionPhoto="1" G:MicroVideoOffset="4000"', "", "a film"),
    "elements": (
        f'{DC} xmlns:G="{GOOGLE}camera/"',
        "<G:MotionPhoto>1</G:MotionPhoto><G:MotionPhotoVersion/>",
        "a film",
    ),
    "gain map": (
        f'{DC} xmlns:C="{GOOGLE}container/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"',
        '<C:Directory><rdf:Seq><rdf:li C:Semantic="GainMap"/></rdf:Seq></C:Directory>',
        "a gain map",
    ),
    "depth": (f'{DC} xmlns:GDepth="{GOOGLE}depthmap/" GDepth:Format="RangeInverse"', "", "a depth map"),
}


@pytest.mark.parametrize("name", ANNOUNCING)
def test_xmp_no_longer_announces_what_is_gone(name):
    attributes, inside, what = ANNOUNCING[name]
    true, notes = made_true(packet(inside + "<dc:title>Nipomo</dc:title>", attributes))
    assert [p.name for p in properties(true)] == ["title"]
    assert notes == (f"XMP no longer announces {what}, which the result does not have",)
    assert made_true(true) == (true, ())


def test_xmp_that_holds_its_depth_map_stays_true():
    whole = packet("", f'xmlns:GDepth="{GOOGLE}depthmap/" GDepth:Format="RangeInverse" GDepth:Data="AAAA"')
    assert made_true(whole) == (whole, ())


@pytest.mark.parametrize("odd", [b"", b"no packet", b"<a", TITLE[:-9], TITLE.decode().encode("utf-16")])
def test_packets_that_say_nothing_untrue_stay_as_they_are(odd):
    assert made_true(odd) == (odd, ())


# ---- the whole way


def test_the_run_says_what_it_dropped(tiny, tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(segment(0xED, b"Photoshop 3.0\0" + RESOURCES)))
    session = Colorizer(tiny, threads=1)
    assert session.colorize_file(tmp_path / "a.jpg", tmp_path / "b.jpg").notes == ()
    report = session.colorize_file(tmp_path / "a.jpg", tmp_path / "b.webp")
    assert report.notes == ("its IPTC was left out; WEBP has no place for that",)
    assert pio.read(tmp_path / "b.jpg").captions.iptc == IPTC


def test_layers_and_pictures_within_a_page_are_named(tiny, tmp_path):
    layers = (37724, 7, None, b"8BIM layers", True)
    tifffile.imwrite(tmp_path / "a.tif", GRAY, extratags=[layers, (65000, 1, 4, b"priv", True)], metadata=None)
    report = Colorizer(tiny, threads=1).colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    assert report.notes == ("its Photoshop layers were left out",)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert 37724 not in file.pages[0].tags
        assert file.pages[0].tags[65000].value == b"priv"
