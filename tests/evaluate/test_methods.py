import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.evaluate.methods import trained_methods
from cemnet_jax.evaluate.protocol import References
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Talker
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.preprocess.crop import decode_jpeg, encode_jpeg
from cemnet_jax.topology import CONTENT
from tests.infer.tiny_system import drawn_face, save_system

SIZE, FRAMES = 32, 11


@pytest.fixture(scope='module')
def system_dir(tmp_path_factory):
  return save_system(tmp_path_factory.mktemp('system'))


@pytest.fixture(scope='module')
def clip():
  drawn = [drawn_face(SIZE, .01 * np.sin(t)) for t in range(FRAMES)]
  rng = np.random.default_rng(0)
  return {'landmarks': np.stack([p for p, _ in drawn]).astype(np.float16) / SIZE,
          'frames': [encode_jpeg(image) for _, image in drawn],
          'audio': rng.integers(-3000, 3000, FRAMES * 640).astype(np.int16)}


def references_of(clip):
  return References(np.stack([decode_jpeg(f) for f in clip['frames'][:5]]),
                    clip['landmarks'][:5].astype(np.float32))


def test_methods_do_what_a_talker_does(system_dir, clip):
  alone, cemnet = trained_methods(system_dir)
  assert (alone.name, cemnet.name) == ('audio2mouth', 'cemnet')
  references = references_of(clip)
  mouths = [m.predict(clip, references) for m in (alone, cemnet)]
  assert all(m.shape == (FRAMES, 57, 2) for m in mouths)
  assert np.abs(mouths[0] - mouths[1]).max() > 1e-4

  pictures = np.stack([decode_jpeg(f) for f in clip['frames']])
  shown = refs.from_arrays(references.images, references.landmarks * SIZE,
                           refs.whole_boxes(references.images))
  canvas = refs.from_arrays(pictures, clip['landmarks'].astype(np.float32) * SIZE,
                            refs.whole_boxes(pictures), moving=True)
  spoken = Talker.load(system_dir).speak(shown, load_wav16(clip['audio']), canvas=canvas)
  np.testing.assert_allclose(spoken.landmarks[:, CONTENT], mouths[1], atol=1e-5)
  whole = cemnet.render(clip, references, mouths[1], np.arange(FRAMES))
  assert np.abs(whole.astype(int) - spoken.frames).max() <= 1
  np.testing.assert_array_equal(whole[:, :SIZE // 2], pictures[:, :SIZE // 2])
  some = cemnet.render(clip, references, mouths[1], np.array([2, 9]))
  np.testing.assert_array_equal(some, whole[[2, 9]])


def test_a_missing_stage_is_named(tmp_path):
  with pytest.raises(UserError, match='audio2mouth'):
    trained_methods(tmp_path)
