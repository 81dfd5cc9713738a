"""LPIPS and Inception against networks that are built another way, with random weights in the published layouts."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from photochrom.errors import BadCheckpoint, BadDataset
from photochrom.models.inception import CONVOLUTIONS, Inception
from photochrom.models.lpips import Lpips

RGB = np.random.default_rng(0).random((2, 48, 56, 3))


def alexnet() -> nn.Sequential:
    """torchvision's `features`, with few channels."""
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(6, 8, 5, padding=2), nn.ReLU()),
        *(nn.MaxPool2d(3, 2), nn.Conv2d(8, 10, 3, padding=1), nn.ReLU(), nn.Conv2d(10, 8, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()),
    )


def vgg16() -> nn.Sequential:
    layers, channels = list[nn.Module](), 3
    for width in (4, 4, 0, 5, 5, 0, 6, 6, 6, 0, 7, 7, 7, 0, 7, 7, 7, 0):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2, 2)]
        channels = width or channels
    return nn.Sequential(*layers)


NETWORKS = {"alex": (alexnet, (1, 4, 7, 9, 11)), "vgg": (vgg16, (3, 8, 15, 22, 29))}


def heads(network: nn.Sequential, taps: tuple[int, ...]) -> dict[str, torch.Tensor]:
    widths = [network[tap - 1].out_channels for tap in taps]
    return {f"lin{i}.model.1.weight": torch.rand(1, width, 1, 1) for i, width in enumerate(widths)}


def expected_lpips(network, taps, lin) -> float:
    mean, std = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    x = ((torch.from_numpy(RGB).float() * 2 - 1 - mean) / std).permute(0, 3, 1, 2)
    total = 0.0
    for i, layer in enumerate(network):
        x = layer(x)
        if i in taps:
            unit = (x / x.norm(dim=1, keepdim=True)).nan_to_num()  # where no channel answers
            squares = (unit[0] - unit[1]) ** 2
            weights = lin[f"lin{taps.index(i)}.model.1.weight"].reshape(-1, 1, 1)
            total += (squares * weights).sum(0).mean().item()
    return total


@pytest.mark.parametrize("kind", NETWORKS)
def test_lpips_is_the_weighted_distance_of_unit_features(kind, tmp_path):
    torch.manual_seed(0)
    make, taps = NETWORKS[kind]
    network = make().eval()
    lin = heads(network, taps)
    features = {f"features.{key}": value for key, value in network.state_dict().items()}
    torch.save(features | {"classifier.1.weight": torch.zeros(2, 2)}, tmp_path / "net.pth")
    torch.save(lin, tmp_path / "lin.pth")
    distance = Lpips([tmp_path / "net.pth", tmp_path / "lin.pth"])
    with torch.inference_mode():
        expected = expected_lpips(network, taps, lin)
    assert expected > 0.01
    assert distance(RGB[0], RGB[1]) == pytest.approx(expected, rel=1e-4)
    assert distance(RGB[0], RGB[0]) == 0
    # The whole state dict of the lpips package.
    whole = {f"net.slice1.{key}": value for key, value in network.state_dict().items()} | lin
    whole |= {key.replace("lin", "lins.", 1): value for key, value in lin.items()}
    torch.save(whole, tmp_path / "whole.pth")
    assert Lpips([tmp_path / "whole.pth"])(RGB[0], RGB[1]) == pytest.approx(expected, rel=1e-4)


def test_lpips_names_what_is_wrong(tmp_path):
    network = alexnet()
    features = {f"features.{key}": value for key, value in network.state_dict().items()}
    file = tmp_path / "net.pth"
    torch.save(features, file)
    with pytest.raises(BadCheckpoint, match=r"there is no lin0\.model\.1\.weight; .* give both files"):
        Lpips([file])
    torch.save(features | heads(vgg16(), NETWORKS["vgg"][1]), file)
    with pytest.raises(BadCheckpoint, match=r"lin0\.model\.1\.weight does not fit"):
        Lpips([file])
    file.write_bytes(b"nothing")
    with pytest.raises(BadCheckpoint, match=r"net\.pth: no state dict"):
        Lpips([file])
    with pytest.raises(BadCheckpoint, match=r"gone\.pth: it cannot be read \(No such file"):
        Lpips([tmp_path / "gone.pth"])
    torch.save(features | heads(network, NETWORKS["alex"][1]), file)
    with pytest.raises(BadDataset, match="32 pixels or more"):
        Lpips([file])(RGB[0, :31], RGB[1, :31])


class Conv(nn.Module):
    def __init__(self, inside, out, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inside, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)
        self.bn.running_mean.normal_(0, 0.1)
        self.bn.running_var.uniform_(0.5, 2)
        nn.init.uniform_(self.bn.weight, 0.5, 1.5)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """One of Inception's blocks as pytorch-fid writes them, with `w` channels wherever the original has more."""

    def __init__(self, kind, inside, w=3):
        super().__init__()
        self.kind = kind
        wide, high = {"kernel_size": (1, 7), "padding": (0, 3)}, {"kernel_size": (7, 1), "padding": (3, 0)}

        def seven(a, b, how):
            return Conv(a, b, how["kernel_size"], padding=how["padding"])

        if kind in "ACE":
            self.branch1x1, self.branch_pool = Conv(inside, w, 1), Conv(inside, w, 1)
        if kind == "A":
            self.branch5x5_1, self.branch5x5_2 = Conv(inside, w, 1), Conv(w, w, 5, padding=2)
        if kind in "AB":
            self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(inside, w, 1), Conv(w, w, 3, padding=1)
            self.branch3x3dbl_3 = Conv(w, w, 3, padding=1) if kind == "A" else Conv(w, w, 3, stride=2)
        if kind == "B":
            self.branch3x3 = Conv(inside, w, 3, stride=2)
        if kind == "C":
            self.branch7x7_1, self.branch7x7_2, self.branch7x7_3 = (
                Conv(inside, w, 1),
                seven(w, w, wide),
                seven(w, w, high),
            )
            self.branch7x7dbl_1 = Conv(inside, w, 1)
            for i, how in enumerate((high, wide, high, wide), start=2):
                setattr(self, f"branch7x7dbl_{i}", seven(w, w, how))
        if kind == "D":
            self.branch3x3_1, self.branch3x3_2 = Conv(inside, w, 1), Conv(w, w, 3, stride=2)
            self.branch7x7x3_1, self.branch7x7x3_2 = Conv(inside, w, 1), seven(w, w, wide)
            self.branch7x7x3_3, self.branch7x7x3_4 = seven(w, w, high), Conv(w, w, 3, stride=2)
        if kind == "E":
            self.branch3x3_1, self.branch3x3dbl_1 = Conv(inside, w, 1), Conv(inside, w, 1)
            self.branch3x3dbl_2 = Conv(w, w, 3, padding=1)
            for name in ("branch3x3_2", "branch3x3dbl_3"):
                setattr(self, name + "a", Conv(w, w, (1, 3), padding=(0, 1)))
                setattr(self, name + "b", Conv(w, w, (3, 1), padding=(1, 0)))

    def forward(self, x, maximum=False):
        s = self
        if s.kind == "B":
            return torch.cat([s.branch3x3(x), s.branch3x3dbl_3(s.branch3x3dbl_2(s.branch3x3dbl_1(x))), pool(x)], 1)
        if s.kind == "D":
            seven = s.branch7x7x3_4(s.branch7x7x3_3(s.branch7x7x3_2(s.branch7x7x3_1(x))))
            return torch.cat([s.branch3x3_2(s.branch3x3_1(x)), seven, pool(x)], 1)
        around = F.max_pool2d(x, 3, 1, 1) if maximum else F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        if s.kind == "A":
            middle = [s.branch5x5_2(s.branch5x5_1(x)), s.branch3x3dbl_3(s.branch3x3dbl_2(s.branch3x3dbl_1(x)))]
        elif s.kind == "C":
            deep = s.branch7x7dbl_1(x)
            for i in range(2, 6):
                deep = getattr(s, f"branch7x7dbl_{i}")(deep)
            middle = [s.branch7x7_3(s.branch7x7_2(s.branch7x7_1(x))), deep]
        else:
            y, z = s.branch3x3_1(x), s.branch3x3dbl_2(s.branch3x3dbl_1(x))
            middle = [s.branch3x3_2a(y), s.branch3x3_2b(y), s.branch3x3dbl_3a(z), s.branch3x3dbl_3b(z)]
        return torch.cat([s.branch1x1(x), *middle, s.branch_pool(around)], 1)


def pool(x):
    return F.max_pool2d(x, 3, 2)


class Small(nn.Module):
    """pytorch-fid's InceptionV3, narrow."""

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = Conv(3, 4, 3, stride=2), Conv(4, 4, 3)
        self.Conv2d_2b_3x3, self.Conv2d_3b_1x1 = Conv(4, 5, 3, padding=1), Conv(5, 5, 1)
        self.Conv2d_4a_3x3, channels = Conv(5, 6, 3), 6
        self.blocks = []
        for name in ("5bA", "5cA", "5dA", "6aB", "6bC", "6cC", "6dC", "6eC", "7aD", "7bE", "7cE"):
            block = Block(name[-1], channels)
            setattr(self, f"Mixed_{name[:2]}", block)
            self.blocks.append(block)
            channels = {"A": 12, "B": 6 + channels, "C": 12, "D": 6 + channels, "E": 18}[name[-1]]

    def forward(self, x):
        x = pool(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = pool(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        for block in self.blocks:
            x = block(x, maximum=block is self.blocks[-1])
        return F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0]


def test_inception_is_that_of_pytorch_fid(tmp_path):
    torch.manual_seed(0)
    network = Small().eval()
    torch.save(network.state_dict(), tmp_path / "fid.pth")
    x = torch.from_numpy(RGB[:1]).float().permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network(2 * F.interpolate(x, (299, 299), mode="bilinear", align_corners=False) - 1)[0].numpy()
    found = Inception(tmp_path / "fid.pth")(RGB[0])
    assert found.shape == (18,)
    assert expected.std() > 1e-3
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_published_layout_has_94_convolutions():
    assert len(CONVOLUTIONS) == 94
    assert len(set(CONVOLUTIONS)) == 94


def test_inception_names_missing_weights(tmp_path):
    weights = Small().state_dict()
    del weights["Mixed_7c.branch_pool.conv.weight"]
    torch.save(weights, tmp_path / "fid.pth")
    with pytest.raises(BadCheckpoint, match=r"1 weights .* missing, such as Mixed_7c\.branch_pool\.conv\.weight"):
        Inception(tmp_path / "fid.pth")
