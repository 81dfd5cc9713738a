"""The branch that knows hints: without any it adds nothing, and a hint's colour goes to what looks like its place."""

import torch

from photochrom.models.ensemble import Ensemble, EnsembleSettings
from photochrom.models.hint_branch import HintBranch
from photochrom.models.photochrom import Photochrom, PhotochromSettings
from photochrom.train.weights import fitting

TINY = PhotochromSettings(encoder="lite0", widths=(8, 8, 8), pretrained=False, hints=True)


def stirred(branch):
    """The branch with a last layer that has learned something."""
    torch.nn.init.normal_(branch.scores.weight)
    torch.nn.init.normal_(branch.scores.bias)
    return branch


def network():
    torch.manual_seed(0)
    model = Photochrom(TINY, 5).eval()
    stirred(model.hint_branch)
    return model


def test_without_hints_the_scores_are_the_same_to_the_last_bit():
    model = network()
    x = torch.randn(2, 4, 64, 90)
    x[:, 1:] = 0
    assert torch.equal(model(x), model(x[:, :1]))


def test_hints_change_the_scores_of_their_own_picture_only():
    model = network()
    x = torch.randn(2, 1, 64, 64).repeat(1, 4, 1, 1)
    x[:, 1:] = 0
    x[0, 1:, 8:12, 8:12] = torch.tensor([0.3, -0.2, 1.0])[:, None, None]
    with torch.no_grad():
        moved = (model(x) - model(x[:, :1])).abs().amax((1, 2, 3))
    assert moved[0] > 1e-3
    assert moved[1] == 0


def test_a_hint_reaches_the_second_part_of_a_thing_and_not_what_lies_between():
    """Two squares with one feature, a bar with another between them, and a hint in the first square."""
    torch.manual_seed(0)
    branch = HintBranch(8, 8, 3)
    with torch.no_grad():
        for part in (branch.query, branch.key):  # alike features attend to each other
            part.weight.copy_(torch.eye(8).repeat(16, 1) * 4)
            part.bias.zero_()
        branch.nearness.fill_(-20)
        branch.none.zero_()
    features = torch.zeros(1, 8, 4, 12)
    features[:, 0, :, :4] = features[:, 0, :, 8:] = features[:, 1, :, 4:8] = 3
    hints = torch.zeros(1, 3, 4, 12)
    hints[0, :, 1, 1] = torch.tensor([0.5, 0.1, 1.0])
    _, share = branch.spread(hints, features)
    assert share[..., 8:].min() > 0.95
    assert share[..., 4:8].max() < 0.1


def test_only_the_branch_is_trained():
    model = network()
    trained = model.hint_parameters()
    assert {id(p) for p in trained} == {id(p) for p in model.hint_branch.parameters()}
    assert {id(p) for p in model.parameters() if p.requires_grad} == {id(p) for p in trained}


def test_other_training_leaves_the_branch():
    model, plain = network(), Photochrom(PhotochromSettings("lite0", (8, 8, 8), pretrained=False), 5)
    groups, others = model.parameter_groups(), plain.parameter_groups()
    assert {role: len(each) for role, each in groups.items()} == {role: len(each) for role, each in others.items()}
    branch = {id(p) for p in model.hint_branch.parameters()}
    assert not branch & {id(p) for each in groups.values() for p in each}
    plain.load_state_dict(plain.state_dict() | fitting(plain, model.state_dict()))
    assert torch.equal(plain.scores.weight, model.scores.weight)


def test_an_ensemble_hands_hints_to_the_members_that_take_them():
    table = {"encoder": "lite0", "widths": [8, 8, 8], "pretrained": False}
    members = {
        "1": {"name": "photochrom", "settings": table | {"hints": True}},
        "2": {"name": "photochrom", "settings": table},
    }
    torch.manual_seed(0)
    model = Ensemble(EnsembleSettings(members), 5).eval()
    stirred(model.members["1"].hint_branch)
    assert model.channels == 4
    x = torch.zeros(1, 4, 64, 64)
    with torch.no_grad():
        plain = model(x)
        x[:, 1:, :8, :8] = 1
        assert (model(x) - plain).abs().max() > 1e-3


def test_of_an_ensemble_the_branch_alone_is_trained_and_may_be_missing_in_what_it_starts_from():
    def pair(**hints):
        settings = {"encoder": "lite0", "widths": [8, 8, 8], "pretrained": False}
        members = {
            "1": {"name": "photochrom", "settings": settings | hints},
            "2": {"name": "photochrom", "settings": settings},
        }
        return Ensemble(EnsembleSettings(members), 5)

    plain, knowing = pair(), pair(hints=True)
    knowing.load_state_dict(knowing.state_dict() | fitting(knowing, plain.state_dict()))
    x = torch.randn(1, 4, 64, 64)
    with torch.no_grad():
        assert torch.equal(knowing.eval()(x), plain.eval()(x))
    branch = knowing.members["1"].hint_branch
    assert [id(p) for p in knowing.hint_parameters()] == [id(p) for p in branch.parameters()]
    assert {id(p) for p in knowing.parameters() if p.requires_grad} == {id(p) for p in branch.parameters()}
