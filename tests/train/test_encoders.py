"""An encoder of another distribution is trained and exported like ours."""

import numpy as np
import pytest
import torch

from photochrom.loading import load_backend
from photochrom.models import models
from photochrom.models.encoders import encoders
from photochrom.models.photochrom import PhotochromSettings
from photochrom.train.export import export
from photochrom.train.loop import Trainer

OUTSIDE = '''
import torch
from photochrom.models.encoders import encoders

@encoders.register("four_means")
class FourMeans(torch.nn.Module):
    """Means of squares of pixels, each times learned factors."""

    channels = (2, 3, 4, 5)
    summary_channels = 6

    def __init__(self):
        super().__init__()
        self.factors = torch.nn.ModuleList(torch.nn.Conv2d(1, c, 1) for c in (*self.channels, 6))

    @property
    def parts(self):
        return list(self.factors)

    def forward(self, x):
        maps = [factor(torch.nn.functional.avg_pool2d(x, 4 * 2**i)) for i, factor in enumerate(self.factors[:4])]
        return maps, self.factors[4](x.mean((2, 3), keepdim=True))[:, :, 0, 0]

    def load_pretrained(self):
        torch.nn.init.ones_(self.factors[0].weight)

    def published_classes(self):
        return None
'''


@pytest.fixture
def outside(plugged_in):
    """The encoder of another distribution, installed for one test."""
    plugged_in(encoders, OUTSIDE)
    return "four_means"


@pytest.mark.slow
def test_an_encoder_from_outside_is_trained_and_exported(outside, tiny, folder, tmp_path):
    recipe = tiny(
        model={"name": "photochrom", "settings": {"encoder": outside, "widths": [8, 8, 8]}}, data={"size": 32}
    )
    trainer = Trainer(recipe, [folder], tmp_path / "run")
    encoder = trainer.task.model.encoder
    assert torch.equal(encoder.factors[0].weight, torch.ones_like(encoder.factors[0].weight)), "it starts as published"
    assert not any(p.requires_grad for part in encoder.parts[:3] for p in part.parameters()), "two stages are frozen"
    trainer.run()
    card = export(tmp_path / "run", output=tmp_path / "means.onnx")
    assert card.recipe["model"]["settings"]["encoder"] == outside
    scores = load_backend(tmp_path / "means.onnx", "cpu", 1).run(np.zeros((1, 1, 64, 32), np.float32))
    assert scores.shape[2:] == (16, 8)


def test_an_encoder_without_classes_has_no_class_colors(outside):
    model = models["photochrom"](PhotochromSettings(outside, (8, 8, 8), class_colors=True), 4)
    with pytest.raises(Exception, match="class_colors is true, but the encoder has no public weights for classes"):
        model.load_pretrained()
