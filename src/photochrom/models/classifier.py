"""A public ImageNet classifier: what a coloured photograph is recognised by, for top-1 in `photochrom evaluate`."""

from __future__ import annotations

from importlib import resources
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from photochrom.imaging.picture import to_dtype
from photochrom.models.encoders.efficientnet_lite import EfficientNetLite


class ImageNetClassifier(nn.Module):
    """EfficientNet-Lite as published: RGB pictures to scores of the 1,000 classes.

    Example:
        `ImageNetClassifier.pretrained("lite2")(rgb).argmax(1)` for rgb (n, 3, 256, 256) in 0..1.
    """

    SIZES: ClassVar = {"lite0": 224, "lite1": 256, "lite2": 256}  # published: 224, 240, 260; ours divide by 32

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.size = self.SIZES[variant]
        self.features = EfficientNetLite(variant, in_channels=3)
        self.classes = nn.Linear(self.features.summary_channels, 1000)

    def forward(self, rgb: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1000"]:
        return self.classes(self.features((255 * rgb - 127) / 128)[1])

    @classmethod
    def pretrained(cls, variant: str) -> ImageNetClassifier:
        """The published weights of `variant`, in eval mode."""
        model = cls(variant)
        model.features.load_pretrained()
        model.classes.load_state_dict(model.features.published_classes())
        return model.eval()


def imagenet_synsets() -> list[str]:
    """The ids of the 1,000 ImageNet classes, in the order of a classifier's answers."""
    return (resources.files("photochrom.models") / "imagenet-synsets.txt").read_text().split()


class SynsetClassifier:
    """Looks for the ImageNet synset of one picture; see `photochrom.evaluation.Classifier`.

    Args:
        variant: which of the published classifiers.

    Attributes:
        synsets: the 1,000, in the order of the network's answers.
    """

    def __init__(self, variant: str) -> None:
        self.network = ImageNetClassifier.pretrained(variant)
        self.synsets = imagenet_synsets()

    def finds(self, rgb: np.ndarray, synset: str) -> tuple[bool, float]:
        """Whether it names this synset for rgb (H, W, 3), 0..1, and the log-probability that it gives it."""
        log_p = self.log_probabilities(rgb)
        place = self.synsets.index(synset)
        return bool(log_p.argmax() == place), float(log_p[place])

    def log_probabilities(self, rgb: np.ndarray) -> np.ndarray:
        """Of the 1,000 synsets, for rgb (H, W, 3), 0..1: short side to the network's size, centre cut out."""
        size = self.network.size
        height, width = rgb.shape[:2]
        image = Image.fromarray(to_dtype(rgb, "uint8"))
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        image = image.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
        x = torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None]
        with torch.inference_mode():
            return self.network(x)[0].log_softmax(0).numpy()
