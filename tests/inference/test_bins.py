"""Bins: what falls where, what a bin is worth, and how rare it is; all by hand or by brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from photochrom.errors import BadSetting
from photochrom.inference.bins import ChannelBins, JointBins, bins_from_dict
from photochrom.inference.decoders import decoders

COLORS = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-110, 110))


def cloud(n=4000, seed=0):
    """Colours as photographs have them: most near gray, few far out."""
    return np.clip(np.random.default_rng(seed).laplace(0, 18, (n, 2)), -100, 95)


def test_equal_width_by_hand():
    bins = ChannelBins.equal_width(10)
    np.testing.assert_allclose(bins.edges, [np.arange(-80, 81, 20)] * 2)
    np.testing.assert_allclose(bins.values, [np.arange(-90, 91, 20)] * 2)
    ab = np.array([[-100.0, -90], [-80.1, -80], [-0.5, 0], [19.9, 20], [99, 100], [-250, 250]])
    assert bins.encode(ab).tolist() == [[0, 0], [0, 1], [4, 5], [5, 6], [9, 9], [0, 9]]
    assert (bins.k, bins.n_scores) == (10, 20)


def test_unbin_is_the_mean_of_the_training_pixels_and_the_centre_where_none_fell():
    bins = ChannelBins.equal_width(4).fit(np.array([[-90.0, 10], [-60, 20], [5, 30], [300, 30]]))
    np.testing.assert_allclose(bins.values, [[-75, -25, 5, 300], [-75, -25, 22.5, 75]])
    np.testing.assert_allclose(bins.frequency, [[0.5, 0, 0.25, 0.25], [0, 0, 1, 0]])


def test_quantile_bins_are_equally_filled():
    ab = cloud()
    bins = ChannelBins.quantile(ab, 10)
    np.testing.assert_allclose(bins.frequency, 0.1, atol=1e-3)
    widths = np.diff(bins.edges, axis=1)
    assert widths[:, 3:5].max() < widths[:, 0].min() / 2
    index = bins.encode(ab)
    for c in (0, 1):
        for k in range(10):
            assert bins.values[c, k] == pytest.approx(ab[index[:, c] == k, c].mean())


def test_quantile_bins_of_a_gray_picture_are_still_bins():
    bins = ChannelBins.quantile(np.zeros((50, 2)), 4)
    assert np.isfinite(bins.values).all()
    np.testing.assert_allclose(bins.frequency.sum(1), 1)


@given(COLORS)
def test_a_codebook_finds_the_nearest_centre(ab):
    bins = JointBins.grid(cloud(), 20, least=1e-3)
    distance = np.hypot(*(ab[:, None] - bins.centers).transpose(2, 0, 1))
    chosen = distance[np.arange(len(ab)), bins.encode(ab)]
    np.testing.assert_allclose(chosen, distance.min(1))


def test_a_codebook_keeps_the_cells_that_are_filled():
    ab = np.concatenate([np.full((97, 2), 1.0), [[52, -18], [47, -22], [0, 80]]])
    bins = JointBins.grid(ab, 10, least=0.02)
    assert bins.centers.tolist() == [[0, 0], [50, -20]]
    # The one at (0, 80) is nearer to (0, 0), and moves its mean.
    np.testing.assert_allclose(bins.values, [[97 / 98, (97 + 80) / 98], [49.5, -20]])
    np.testing.assert_allclose(bins.frequency, [0.98, 0.02])
    assert bins.n_scores == 2


def test_an_empty_cell_is_worth_its_centre():
    bins = JointBins(np.array([[0.0, 0], [50, 50]]), np.zeros((2, 2)), np.ones(2)).fit(np.array([[1.0, 3]]))
    assert bins.values.tolist() == [[1, 3], [50, 50]]


def test_encode_keeps_the_shape_of_a_picture():
    picture = cloud(6).reshape(2, 3, 2)
    joint = JointBins.grid(cloud(), 20)
    assert joint.encode(picture).tolist() == joint.encode(picture.reshape(-1, 2)).reshape(2, 3).tolist()
    channel = ChannelBins.equal_width()
    assert channel.encode(picture).tolist() == channel.encode(picture.reshape(-1, 2)).reshape(2, 3, 2).tolist()


def test_soft_codes_by_hand():
    centers = np.array([[0.0, 0], [10, 0], [0, 10], [90, 90]])
    index, share = JointBins(centers, centers, np.full(4, 0.25)).soft_encode(np.array([[4.0, 0]]), 5.0, 3)
    weight = np.exp(-np.array([16, 36, 116]) / 50)
    assert index.tolist() == [[0, 1, 2]]
    np.testing.assert_allclose(share, [weight / weight.sum()])

    index, share = ChannelBins.equal_width(10).soft_encode(np.array([[-84.0, 0]]), 10.0)
    weight = np.exp(-np.array([36, 196]) / 200)
    assert index.tolist() == [[[0, 1], [4, 5]]]
    np.testing.assert_allclose(share[0], [weight / weight.sum(), [0.5, 0.5]])


def test_a_color_far_from_every_bin_is_still_encoded():
    centers = np.array([[0.0, 0], [1, 0]])
    _, share = JointBins(centers, centers, np.full(2, 0.5)).soft_encode(np.array([[-500.0, 0]]), 1.0)
    np.testing.assert_allclose(share, [[1, 0]], atol=1e-9)


@pytest.mark.parametrize("kind", ["equal", "quantile", "joint"])
class TestRebalancing:
    def bins(self, kind):
        ab = cloud()
        if kind == "joint":
            return JointBins.grid(ab, 10)
        return ChannelBins.quantile(ab, 12) if kind == "quantile" else ChannelBins.equal_width(20).fit(ab)

    def test_the_mean_over_the_training_pixels_is_one(self, kind):
        bins = self.bins(kind)
        weights = bins.rebalancing_weights(0.3)
        np.testing.assert_allclose((bins.frequency * weights).sum(-1), 1)
        assert weights.shape == bins.frequency.shape
        assert (weights > 0).all()

    def test_rare_is_over_common(self, kind):
        bins = self.bins(kind)
        if kind == "quantile":
            # There all are equally common; what is rare is a colour far from all others.
            bins = bins.fit(cloud(seed=1)[:30] * 2)
        weights = bins.rebalancing_weights(0.5)
        for f, w in zip(np.atleast_2d(bins.frequency), np.atleast_2d(weights), strict=True):
            assert w[f.argmin()] > 1 > w[f.argmax()]

    def test_full_smoothing_weighs_all_alike(self, kind):
        np.testing.assert_allclose(self.bins(kind).rebalancing_weights(1.0), 1)

    def test_smoothing_is_a_share(self, kind):
        with pytest.raises(BadSetting, match="smoothing must be above 0 and at most 1, not 0"):
            self.bins(kind).rebalancing_weights(0)

    def test_a_card_keeps_all(self, kind):
        bins = self.bins(kind)
        again = bins_from_dict(bins.to_dict())
        assert type(again) is type(bins)
        for name in ("values", "frequency"):
            np.testing.assert_allclose(getattr(again, name), getattr(bins, name), atol=1e-7)
        assert again.to_dict() == bins.to_dict()
        assert (again.encode(cloud(seed=1)) == bins.encode(cloud(seed=1))).all()


def test_rebalancing_by_hand():
    centers = np.array([[0.0, 0], [100, 0]])
    weights = JointBins(centers, centers, np.array([0.9, 0.1])).rebalancing_weights(0.5, 1.0)
    raw = 1 / (0.5 * np.array([0.9, 0.1]) + 0.25)
    np.testing.assert_allclose(weights, raw / (0.9 * raw[0] + 0.1 * raw[1]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ChannelBins.equal_width(1), "at least 2 bins, not 1"),
        (lambda: ChannelBins.quantile(cloud(), 1), "at least 2 bins, not 1"),
        (lambda: JointBins.grid(cloud(), 0), "step must be above 0, not 0"),
        (lambda: JointBins.grid(np.zeros((9, 2))), "a codebook needs pictures in colour"),
        (lambda: bins_from_dict({"kind": "cube"}), "the model card's bins are not readable"),
        (lambda: bins_from_dict({"kind": "joint", "centers": [[0, 0]]}), "the model card's bins are not readable"),
    ],
)
def test_what_makes_no_bins_is_named(make, message):
    with pytest.raises(BadSetting, match=message):
        make()


def distribution(seed=0):
    """Log-probabilities of 5 bins over 3 x 4 pixels, and the bins' values."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(5, 0.7), (3, 4)).transpose(2, 0, 1)
    return np.log(p), rng.uniform(-100, 100, (5, 2))


class TestDecoders:
    def test_argmax_takes_the_best(self):
        log_p, values = distribution()
        out = decoders["argmax"](log_p, values)
        for y in range(3):
            for x in range(4):
                assert out[y, x].tolist() == values[int(np.argmax(log_p[:, y, x]))].tolist()

    def test_mean_is_the_expected_value(self):
        log_p, values = distribution()
        expected = sum(np.exp(log_p[i])[..., None] * values[i] for i in range(5))
        np.testing.assert_allclose(decoders["mean"](log_p, values), expected)

    def test_annealed_mean_goes_from_mean_to_argmax(self):
        log_p, values = distribution()
        annealed = decoders["annealed_mean"]
        np.testing.assert_allclose(annealed(log_p, values, temperature=1.0), decoders["mean"](log_p, values))
        for temperature in (1e-3, 1e-30, 1e-300):
            np.testing.assert_allclose(
                annealed(log_p, values, temperature=temperature), decoders["argmax"](log_p, values), atol=1e-2
            )
        p = np.exp(log_p) ** (1 / 0.38)
        expected = np.einsum("qhw,qd->hwd", p / p.sum(0), values)
        np.testing.assert_allclose(annealed(log_p, values, temperature=0.38), expected)

    def test_samples_come_as_often_as_they_are_likely(self):
        p = np.array([0.5, 0.2, 0.3])
        log_p = np.log(p)[:, None, None] * np.ones((1, 2, 2))
        values = np.array([[0.0, 0], [1, 0], [2, 0]])
        rng = np.random.default_rng(0)
        draws = np.array([decoders["sample"](log_p, values, rng=rng) for _ in range(2000)])
        assert (draws == draws[:, :1, :1]).all(), "a draw is for the picture, not for each pixel"
        shares = np.bincount(draws[:, 0, 0, 0].astype(int)) / 2000
        np.testing.assert_allclose(shares, p, atol=0.03)

    def test_a_seed_repeats_a_sample(self):
        log_p, values = distribution()
        one, two = (decoders["sample"](log_p, values, rng=np.random.default_rng(3)) for _ in range(2))
        assert (one == two).all()

    def test_a_cold_sample_is_the_best(self):
        log_p, values = distribution()
        out = decoders["sample"](log_p, values, temperature=1e-6, rng=np.random.default_rng(0))
        assert (out == decoders["argmax"](log_p, values)).all()

    def test_a_tilt_moves_what_is_uncertain_and_leaves_what_is_certain(self):
        values = np.array([[0.0, 60], [0, -60], [50, 0]])
        log_p = np.log(np.array([[0.5, 0.001], [0.5, 0.001], [1e-9, 0.998]]))[:, None]
        seen = []
        for seed in range(20):
            direction = np.random.default_rng(seed).normal(size=2)
            either, certain = decoders["tilted"](log_p, values, rng=np.random.default_rng(seed))[0]
            assert np.sign(either[1]) == np.sign(direction[1])
            # Of the two, each Lab unit in the direction makes one exp(0.03) likelier, and the temperature sharpens it.
            lean = 120 * 0.03 * direction[1] / np.linalg.norm(direction)
            assert either[1] == pytest.approx(60 * np.tanh(lean / 0.38 / 2), abs=1e-3)
            np.testing.assert_allclose(certain, [50, 0], atol=3)
            seen.append(either[1])
        assert min(seen) < -30 < 30 < max(seen)

    @pytest.mark.parametrize("name", ["annealed_mean", "sample", "tilted"])
    @pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
    def test_a_temperature_is_above_zero(self, name, temperature):
        with pytest.raises(BadSetting, match="the temperature must be above 0"):
            decoders[name](*distribution(), temperature=temperature)


def test_log_softmax_and_decoding_of_each_channel():
    bins = ChannelBins.equal_width(4)
    scores = np.random.default_rng(0).normal(size=(8, 2, 3))
    log_p = bins.log_softmax(scores)
    np.testing.assert_allclose(np.exp(log_p).sum(1), 1)
    np.testing.assert_allclose(log_p[1, 2] - log_p[1, 0], scores[6] - scores[4])
    ab = bins.decode(log_p, decoders["argmax"])
    assert ab.shape == (2, 3, 2)
    np.testing.assert_allclose(ab[..., 1], bins.values[1][scores[4:].argmax(0)])


def test_log_weights_are_added_before_the_softmax():
    extra = np.log([[1.0, 2], [4, 1]])
    log_p = ChannelBins.equal_width(2).log_softmax(np.zeros((4, 1, 1)), extra)
    np.testing.assert_allclose(np.exp(log_p[..., 0, 0]), [[1 / 3, 2 / 3], [4 / 5, 1 / 5]])
    centers = np.array([[0.0, 0], [10, 0]])
    joint = JointBins(centers, centers, np.full(2, 0.5)).log_softmax(np.zeros((2, 1, 1)), np.log([1.0, 3]))
    np.testing.assert_allclose(np.exp(joint[:, 0, 0]), [0.25, 0.75])
