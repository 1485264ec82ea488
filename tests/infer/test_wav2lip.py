"""Wav2Lip's inference: the upper half stays, speech and references count, batches do not."""

import jax
import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.infer import wav2lip
from cemnet_jax.preprocess.audio import mel_windows
from cemnet_jax.stages import build
from cemnet_jax.stages.renderer import mask_lower_half
from configs.wav2lip import get_config
from tests.infer import tiny_system

FRAMES = 23


@pytest.fixture(scope='module')
def nets(tmp_path_factory):
  folder, cfg = tmp_path_factory.mktemp('wav2lip'), get_config('debug')
  size = cfg.data.image_size
  zeros = lambda *shape: np.zeros(shape, np.float32)
  tiny_system.save_stage(folder, cfg, 'generator', build.wav2lip(cfg.model), (
    zeros(1, size, size, 3), zeros(1, size, size, 3), zeros(1, 80, 16)), {})
  return wav2lip.load(folder)


@pytest.fixture(scope='module')
def faces(nets):
  shape = (FRAMES + 3, nets.image_size, nets.image_size, 3)
  pictures = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
  return pictures[:FRAMES], pictures[FRAMES:]


def test_only_the_lower_half_is_drawn(nets, faces, speech):
  crops, references = faces
  got = wav2lip.render(nets, crops, references, speech)
  half = nets.image_size // 2
  assert got.shape == crops.shape and got.dtype == np.uint8
  np.testing.assert_array_equal(got[:, :half], crops[:, :half])
  blind = crops.copy()
  blind[:, half:] = 0
  np.testing.assert_array_equal(wav2lip.render(nets, blind, references, speech)[:, half:],
                                got[:, half:])


def test_a_frame_is_what_the_net_makes_of_it(nets, faces, speech):
  crops, references = faces
  t, net = 20, nets.generator
  mel = mel_windows(speech, t, 1)
  want = jax.jit(lambda v, *x: net.module.apply(v, *x, train=False))(
    net.variables, mask_lower_half(crops[t:t + 1] / np.float32(255)),
    references[[t % 3]] / np.float32(255), mel)
  got = wav2lip.render(nets, crops, references, speech)[t]
  half = nets.image_size // 2
  assert np.abs(255 * np.asarray(want)[0, half:] - got[half:]).max() < 0.51


def test_batches_do_not_matter(nets, faces, speech, monkeypatch):
  crops, references = faces
  whole = wav2lip.render(nets, crops, references, speech)
  np.testing.assert_array_equal(wav2lip.render(nets, crops, references, speech), whole)
  some = np.array([4, 21, 9])
  near = lambda a, b: np.abs(a.astype(int) - b).max() <= 1  # another program may round otherwise
  assert near(wav2lip.render(nets, crops[some], references, speech, some), whole[some])
  monkeypatch.setattr(wav2lip, 'BATCH', 5)
  assert near(wav2lip.render(nets, crops, references, speech), whole)


def test_speech_and_references_are_heard_and_seen(nets, faces, speech):
  crops, references = faces
  base = wav2lip.render(nets, crops, references, speech)
  assert (wav2lip.render(nets, crops, references, speech[::-1]) != base).any()
  assert (wav2lip.render(nets, crops, references[::-1], speech) != base).any()


def test_programs_are_compiled_once(nets, faces, speech):
  crops, references = faces
  wav2lip.render(nets, crops, references, speech)
  before = wav2lip._render._cache_size()
  wav2lip.render(nets, crops[:7], references[:1], speech)
  assert wav2lip._render._cache_size() == before


def test_an_untrained_system_is_one_clear_line(tmp_path):
  with pytest.raises(UserError, match='train this stage first'):
    wav2lip.load(tmp_path)
