"""What the memory reads, frame by frame, against the memory asked window by window."""

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.infer import forward, loading
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Talker
from cemnet_jax.preprocess.audio import mfcc_windows
from tests.infer.tiny_system import drawn_face

SIZE, FRAMES = 32, 8


@pytest.fixture(scope='module')
def face():
  points, image = drawn_face(SIZE)
  return refs.from_arrays([image] * FRAMES, np.stack([points] * FRAMES),
                          refs.whole_boxes([image] * FRAMES), moving=True)


def test_weights_of_windows_are_averaged_per_frame(talker, face, speech):
  audio = speech[:FRAMES * 640]
  got = talker.slot_weights(face, audio, face)
  bridge = talker._nets.bridge
  assert got.shape == (FRAMES, bridge.memory.module.slots)
  np.testing.assert_allclose(got.sum(1), 1, atol=1e-5)

  motion = talker.motion(face, audio, face)
  cues = (forward.speech_emotion(bridge, mfcc_windows(audio)),
          *forward.picture_cues(bridge, np.stack(face.frames[:5])))
  want = [[] for _ in range(FRAMES)]
  for points, window in zip(motion.points, motion.windows):
    alpha = bridge.memory.module.apply(
      bridge.memory.variables, points.reshape(1, -1, 114), *cues)['alpha_k'][0]
    for weights, frame in zip(alpha, window):
      want[frame].append(np.asarray(weights))
  np.testing.assert_allclose(got, [np.mean(w, 0) for w in want], atol=1e-5)
  assert got.max() > 1.05 / got.shape[1]  # not all slots alike


def test_a_system_without_slots_says_so(talker, face, speech):
  nets = talker._nets
  memory = nets.bridge.memory
  direct = memory._replace(module=memory.module.clone(use_memory=False))
  for bridge in (None, nets.bridge._replace(memory=direct)):
    with pytest.raises(UserError, match='no slots'):
      Talker(nets._replace(bridge=bridge)).slot_weights(face, speech, face)


def test_a_voice_alone_is_the_bridge_s(talker, system_dir, tmp_path, speech):
  voice = loading.load_voice(system_dir, 'aee')
  windows = mfcc_windows(speech)[::5]
  np.testing.assert_array_equal(forward.utterance_emotion(voice, windows),
                                forward.speech_emotion(talker._nets.bridge, windows))
  with pytest.raises(UserError, match='audio_emotion.*train this stage first'):
    loading.load_voice(system_dir, 'audio_emotion')
