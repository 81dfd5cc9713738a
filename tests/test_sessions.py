"""A session's life: shared by threads, sent to other processes, closed."""

import copy
import gc
import multiprocessing
import os
import pickle
import shutil
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from photochrom import Colorizer, Palette
from photochrom.errors import BadCheckpoint, BadSetting

GRAY = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)


def colored_elsewhere(session):
    os.chdir("/")
    return os.getpid(), session.colorize(GRAY)


def test_four_threads_give_the_same_bytes():
    session = Colorizer(threads=1)
    pictures = [np.roll(GRAY, n, 1) for n in range(4)] * 3
    alone = [session.colorize(each).tobytes() for each in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = [each.tobytes() for each in pool.map(session.colorize, pictures)]
    assert together == alone
    assert len(set(alone)) == 4


def test_a_session_goes_to_another_process(tiny, tmp_path, drawn, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(tiny, "here.onnx")
    drawn(3).save("reference.png")
    session = Colorizer("here.onnx", threads=1, palette="#1f4e5f,#c9a27c", references=["reference.png"], vividness=None)
    os.remove("reference.png")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pid, found = pool.submit(colored_elsewhere, session).result()
    assert pid != os.getpid()
    np.testing.assert_array_equal(found, session.colorize(GRAY))


def test_settings_palette_and_references_stay(tiny, tmp_path, drawn):
    drawn(3).save(tmp_path / "reference.png")
    session = Colorizer(
        tiny,
        threads=1,
        saturation=0.5,
        mark=True,
        palette=Palette.of(["navy"]),
        references=[tmp_path / "reference.png"],
    )
    again = pickle.loads(pickle.dumps(session))
    np.testing.assert_array_equal(again.palette.colors, session.palette.colors)
    np.testing.assert_array_equal(again.references[0].ab, session.references[0].ab)
    assert again.settings["saturation"] == 0.5
    assert again.card == session.card
    np.testing.assert_array_equal(again.colorize(GRAY), session.colorize(GRAY))
    assert not np.array_equal(again.colorize(GRAY), Colorizer(tiny, threads=1).colorize(GRAY))


def test_another_file_under_that_name_is_one_line(tiny, gan_file, tmp_path):
    path = tmp_path / "model.onnx"
    shutil.copy(tiny, path)
    data = pickle.dumps(Colorizer(path, threads=1))
    shutil.copy(gan_file, path)
    with pytest.raises(BadCheckpoint, match="another model than when the session was pickled"):
        pickle.loads(data)


def test_a_loaded_backend_cannot_be_sent(tiny):
    session = Colorizer(Colorizer(tiny, threads=1).network.backend)
    with pytest.raises(BadSetting, match="a loaded backend cannot be pickled; make the session with the model's name"):
        pickle.dumps(session)


def test_the_end_of_a_with_frees_the_network(tiny):
    with Colorizer(tiny, threads=1) as session:
        assert session.colorize(Image.fromarray(GRAY)).mode == "RGB"
        held = weakref.ref(session.network.backend)
    gc.collect()
    assert held() is None
    assert session.card.name == "tiny"
    for call in (session.colorize, lambda x: session.colorize_batch(x[None])):
        with pytest.raises(BadSetting, match="the session is closed; make another Colorizer"):
            call(GRAY)
    session.close()


def test_a_copy_shares_the_network():
    session = Colorizer(threads=1)
    other = copy.copy(session)
    other.palette = Palette.of(["#1f4e5f"])
    assert other.network is session.network
    assert session.palette is None
