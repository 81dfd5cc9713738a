"""The model card: it goes through JSON, it seals its file, and what is wrong with it is named."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from photochrom.errors import BadCheckpoint
from photochrom.inference.bins import JointBins
from photochrom.inference.card import FORMAT, NO_DIGEST, ModelCard, is_intact, seal
from photochrom.inference.decode import Decoding

BINS = JointBins(np.array([[0.0, 0], [50, 20]]), np.array([[1.0, 0], [48, 19]]), np.array([0.75, 0.25]))


def card(**changes):
    facts = {"bins": BINS.to_dict(), "decoding": {"temperature": 0.5}, "title": 'ein "Bild" — größer'}
    return ModelCard("tiny", **(facts | changes))


def test_a_card_goes_through_json():
    again = ModelCard.from_json(card().to_json(), "x.onnx")
    assert again == card()
    np.testing.assert_allclose(again.codebook().values, BINS.values)
    assert again.default_decoding() == Decoding(temperature=0.5)
    assert card(bins=None).codebook() is None


def test_a_card_that_is_older_than_the_fixed_size_has_none():
    facts = json.loads(card(size=64).to_json())
    assert ModelCard.from_json(json.dumps(facts), "x").size == 64
    del facts["size"]
    assert ModelCard.from_json(json.dumps(facts), "x").size is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "5",
        "{}",
        json.dumps({"format": "one"}),
        json.dumps({"format": FORMAT}),
        card(bins={"kind": "cube"}).to_json(),
        card(decoding={"temperature": -3}).to_json(),
        card(decoding={"vividness": 7}).to_json(),
        card(decoding={"saturation": 4.1}).to_json(),
        card(decoding={"trained_rebalance": 1.5}).to_json(),
        card(decoding={"smoothing": 0}).to_json(),
        card(decoding={"smooth_radius": 1.5}).to_json(),
        card(decoding={"chroma_gamma": "much"}).to_json(),
        card(decoding=[]).to_json(),
        card(decoding=7).to_json(),
        card(render_size=4096).to_json(),
    ],
)
def test_a_damaged_card_is_named(text):
    with pytest.raises(BadCheckpoint, match=r"^x\.onnx: its model card cannot be read .*the file is damaged$") as error:
        ModelCard.from_json(text, "x.onnx")
    assert "\n" not in str(error.value)


def test_what_is_wrong_with_a_card_is_said():
    with pytest.raises(
        BadCheckpoint, match=r"\(the temperature is -3; it must be between 0.01 and 10\); the file is damaged$"
    ):
        ModelCard.from_json(card(decoding={"temperature": -3}).to_json(), "x.onnx")
    with pytest.raises(BadCheckpoint, match=r"^x: no decoder is called 'means'; .*; update photochrom, or"):
        ModelCard.from_json(card(decoding={"decoder": "means"}).to_json(), "x")


@pytest.mark.parametrize(
    ("newer", "reason"),
    [
        ({"format": FORMAT + 1}, f"its format is {FORMAT + 1}"),
        ({"heat": 1}, "it has the key heat"),
        ({"decoding": {"heat": 1}}, "it has the key decoding.heat"),
    ],
)
def test_a_newer_card_says_to_update(newer, reason):
    text = json.dumps(json.loads(card().to_json()) | newer)
    with pytest.raises(BadCheckpoint) as error:
        ModelCard.from_json(text, "x.onnx")
    line = f"x.onnx: its model card was written by a newer photochrom ({reason}); update this one to use it"
    assert str(error.value) == line


def test_the_format_counts_up_when_keys_are_added():
    """Who changes these lists adds one to FORMAT, so that an older photochrom does not call the file damaged."""
    assert FORMAT == 5
    keys = (
        "name, title, architecture, bins, decoding, render_size, mirror, multiple, stride, size, channels, l_center, "
        "l_scale, ab_scale, variation, dropout, steadies, parameters, recipe, training, metrics, limits, license, "
        "digest, format"
    )
    assert ", ".join(field.name for field in fields(ModelCard)) == keys
    keys = (
        "decoder, temperature, vividness, trained_rebalance, smoothing, saturation, chroma_gamma, chroma_knee, "
        "smooth_radius, agreement, warmth, tint"
    )
    assert ", ".join(field.name for field in fields(Decoding)) == keys


def test_a_seal_breaks_at_any_byte():
    data = b"\x08\x07weights" + card().to_json().encode() + b"\x00more"
    sealed = seal(data)
    assert len(sealed) == len(data)
    digest = json.loads(sealed[9:-5])["digest"]
    assert is_intact(sealed, digest)
    for i in range(0, len(sealed), 7):
        broken = bytearray(sealed)
        broken[i] ^= 1
        assert not is_intact(bytes(broken), digest), i
    assert not is_intact(sealed[:-1], digest)
    assert not is_intact(data, NO_DIGEST)


def test_a_seal_is_the_cards_own_and_not_that_of_what_it_started_from():
    origin = {"started_from": {"name": "a_run", "digest": NO_DIGEST}}
    sealed = seal(replace(card(), training=origin).to_json().encode())
    facts = json.loads(sealed)
    assert facts["training"] == origin
    assert is_intact(sealed, facts["digest"])


def test_a_file_without_a_card_is_not_sealed():
    with pytest.raises(ValueError, match="holds no card"):
        seal(b"weights")
