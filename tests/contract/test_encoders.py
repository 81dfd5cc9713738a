"""What every registered encoder keeps: strides, channels, gradients, and parts in their order."""

import pytest
import torch

from photochrom.models.encoders import encoders


@pytest.fixture(params=list(encoders))
def encoder(request):
    torch.manual_seed(0)
    return encoders[request.param]().train()


def test_features_have_their_strides_and_channels(encoder):
    features, summary = encoder(torch.zeros(2, 1, 64, 96))
    assert [tuple(f.shape) for f in features] == [
        (2, c, 64 // s, 96 // s) for c, s in zip(encoder.channels, (4, 8, 16, 32), strict=True)
    ]
    assert summary.shape == (2, encoder.summary_channels)


def test_the_parts_are_its_first_layers(encoder):
    features, _ = encoder(torch.randn(1, 1, 32, 32))
    features[0].sum().backward()
    reached = [any(p.grad is not None for p in part.parameters()) for part in encoder.parts]
    assert any(reached)
    assert reached == sorted(reached, reverse=True), "what the first feature needs comes first"


def test_the_whole_picture_is_learned_from(encoder):
    encoder(torch.randn(1, 1, 32, 32))[1].pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parts[0].parameters())
