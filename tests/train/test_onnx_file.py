"""Files of networks from outside, whose code may fix how many pictures they see."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from photochrom.inference.backends import OnnxBackend
from photochrom.inference.card import ModelCard
from photochrom.train.onnx_file import parity, to_onnx

pytestmark = pytest.mark.slow


class OneByOne(nn.Module):
    """The exporter takes the length for a number that never changes."""

    multiple, stride, size = 4, 1, None

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        return self.layer(torch.cat([x, x.new_zeros(len(x), *x.shape[1:])], 1))


def test_a_network_that_fixes_the_number_runs_one_after_the_other():
    torch.manual_seed(0)
    network = OneByOne().eval()
    data = to_onnx(network, ModelCard("outside", multiple=4, stride=1))
    assert onnx.load_from_string(data).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    backend = OnnxBackend(data, "outside", "cpu", threads=1)
    assert parity(network, backend) <= 1e-5
    x = torch.rand(3, 1, 8, 12)
    with torch.inference_mode():
        np.testing.assert_allclose(backend.run(x.numpy()), network(x).numpy(), atol=1e-5)
