"""The inference chain with untrained tiny nets: plumbing, alignment, determinism, one compile."""

import shutil

import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.infer import forward, loading
from cemnet_jax.infer import references as refs
from cemnet_jax.infer import talker as module
from cemnet_jax.infer.talker import Options, Talker
from cemnet_jax.preprocess.audio import mfcc_windows
from cemnet_jax.preprocess.video import read_video
from cemnet_jax.topology import CONTENT, POSE, STABLE
from tests.infer.tiny_system import drawn_face


@pytest.fixture(scope='module')
def picture():
  points, image = drawn_face(120)
  return refs.from_arrays([image], points[None])


@pytest.fixture(scope='module')
def moving():
  faces = [drawn_face(120, 0.004 * i) for i in range(9)]
  return refs.from_arrays([f[1] for f in faces], np.stack([f[0] for f in faces]), moving=True)


def test_one_picture_speaks(talker, picture, speech, tmp_path):
  got = talker.speak(picture, speech)
  assert got.frames.shape == (25, 120, 120, 3) and got.frames.dtype == np.uint8
  assert got.audio.shape == (16000,)
  box = picture.boxes[0]
  middle = int((box[1] + box[3]) / 2)
  np.testing.assert_array_equal(got.frames[:, :middle], np.repeat(
    picture.frames[0][None, :middle], 25, axis=0))
  assert np.abs(got.frames[:, middle:].astype(int) - picture.frames[0][middle:]).mean() > 1
  np.testing.assert_allclose(
    got.landmarks[:, POSE], np.repeat(refs.crop_landmarks(picture)[:, POSE], 25, axis=0), atol=1e-6)
  got.save(tmp_path / 'talk.mp4')
  back = read_video(tmp_path / 'talk.mp4')
  assert back.frames.shape == got.frames.shape and back.audio.shape == (16000,)


def test_same_input_same_bits_and_options_matter(talker, moving, speech):
  options = lambda **o: talker.plan(moving, speech, options=Options(**o)).landmarks
  base = options()
  np.testing.assert_array_equal(base, options())
  for changed in ({'emotion': 'happy'}, {'memory': False}, {'seed': 3}, {'smooth': 2.0},
                  {'choice': 'lip_openness'}):
    other = options(**changed)
    assert np.abs(other[:, CONTENT] - base[:, CONTENT]).max() > 1e-5, changed
    np.testing.assert_array_equal(other[:, POSE], base[:, POSE])


def test_video_is_looped_and_keeps_its_upper_face(talker, moving, speech):
  got = talker.speak(moving, speech)
  shown = refs.back_and_forth(9, 25)
  middle = int((moving.boxes[:, 1] + moving.boxes[:, 3]).min() / 2)
  for frame, i in zip(got.frames, shown):
    np.testing.assert_array_equal(frame[:middle], moving.frames[i][:middle])


def test_frames_without_the_face_stay_as_they_are(talker, moving, speech):
  seen = np.arange(9) % 4 != 2
  got = talker.speak(moving._replace(seen=seen), speech)
  every = talker.speak(moving, speech)
  for frame, painted, i in zip(got.frames, every.frames, refs.back_and_forth(9, 25)):
    assert (frame == moving.frames[i]).all() == (not seen[i])
    assert (painted != moving.frames[i]).any()


def test_canvas_speaks_with_references_of_another_clip(talker, picture, moving, speech):
  got = talker.speak(moving, speech, canvas=picture)
  assert (got.frames[:, 0] == picture.frames[0][0]).all()
  own = talker.speak(picture, speech)
  assert np.abs(got.landmarks - own.landmarks).max() > 1e-5


def test_overlapping_windows_are_averaged_in_place(talker, moving, speech, monkeypatch):
  def face_centre(nets, motion, frame, cues):
    centre = np.asarray(frame.centre)[:, :, None]  # B T 1 2
    noise = np.linspace(-1, 1, centre.shape[1])[None, :, None, None]  # vanishes in a full average
    return centre + np.zeros((1, 1, 57, 1)) + noise
  monkeypatch.setattr(forward, 'mouths', face_centre)
  options = Options(memory=False, calibrate=False)
  plan = talker.plan(moving, np.tile(speech, 3), options=options)
  want = np.repeat(plan.landmarks[:, STABLE].mean(1, keepdims=True), 57, axis=1)
  np.testing.assert_allclose(plan.landmarks[4:-4, CONTENT], want[4:-4], atol=1e-5)
  assert np.abs(plan.landmarks[0, CONTENT] - want[0]).min() > 0.9  # one window sees the first frame


@pytest.mark.parametrize('seconds', [0.2, 0.33, 1.7])
def test_any_length_is_covered_with_one_compile(talker, picture, speech, seconds):
  wav = np.resize(speech, int(seconds * 16000))
  talker.speak(picture, speech)
  before = forward._paint.programs(), forward._mouths.programs()
  got = talker.speak(picture, wav)
  assert len(got.frames) == -(-len(wav) // 640) and len(got.audio) == 640 * len(got.frames)
  assert (forward._paint.programs(), forward._mouths.programs()) == before


def test_frames_do_not_depend_on_the_batch(talker, moving, speech, monkeypatch):
  plan = talker.plan(moving, speech)
  want = np.stack(list(talker.frames(plan)))
  monkeypatch.setattr(module, 'RENDER_BATCH', 3)
  got = np.stack(list(talker.frames(plan)))
  assert np.abs(got.astype(int) - want).max() <= 1


def test_utterance_emotion_ignores_padding(talker, speech):
  bridge = talker._nets.bridge
  windows = mfcc_windows(np.tile(speech, 6))  # 150 windows: two batches, one padded
  one = [np.asarray(forward.speech_emotion(bridge, w[None])) for w in windows[::10]]
  got = np.asarray(forward.speech_emotion(bridge, windows[::10]))
  np.testing.assert_allclose(got, np.mean(one, axis=0), rtol=1e-4, atol=1e-5)
  whole = forward.speech_emotion(bridge, windows)
  halves = [np.asarray(forward.speech_emotion(bridge, w)) for w in (windows[:75], windows[75:])]
  np.testing.assert_allclose(whole, np.mean(halves, axis=0), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_done_is_said(talker, picture, speech, system_dir, tmp_path):
  with pytest.raises(UserError, match="emotion 'bored' is none of auto"):
    talker.speak(picture, speech, 'bored')
  with pytest.raises(UserError, match='trained on no speech'):
    talker.speak(picture, speech, 'surprised')
  with pytest.raises(UserError, match='under 0.2 s'):
    talker.speak(picture, speech[:1000])
  with pytest.raises(UserError, match='finite float samples'):
    talker.speak(picture, speech * np.nan)
  with pytest.raises(UserError, match='at least one picture'):
    talker.speak([], speech)
  with pytest.raises(UserError, match='no such folder'):
    Talker.load(tmp_path / 'nowhere')
  with pytest.raises(UserError, match='audio2mouth.*train this stage first'):
    Talker.load(tmp_path)
  with pytest.raises(UserError, match="system 'gpt' is none of"):
    Talker.load(system_dir, 'gpt')
  plain = Talker.load(system_dir, 'a2m_renderer')
  with pytest.raises(UserError, match='no Emotion Bridging Memory'):
    plain.speak(picture, speech)
  with pytest.raises(UserError, match='it hears no emotion'):
    plain.hear(speech)
  assert len(plain.speak(picture, speech[:4000], memory=False).frames) == 7


def test_pictures_tell_an_emotion_by_how_likely_each_is(talker, moving):
  bridge = talker._nets.bridge
  images = refs.crops(moving, bridge.image_size)[:3]
  got = np.asarray(forward.shown_emotion(bridge, images))
  net = bridge.picture.module
  logits = np.asarray(net.apply(bridge.picture.variables, images / np.float32(255), train=False)[1])
  likely = np.exp(logits - logits.max(1, keepdims=True))
  likely = (likely / likely.sum(1, keepdims=True)).mean(0)[:7]  # the eighth was never heard
  mean = bridge.prototypes['sum'][:7] / bridge.prototypes['count'][:7, None]
  np.testing.assert_allclose(got[0], likely @ mean / likely.sum(), rtol=1e-4, atol=1e-6)


def test_a_faint_recording_has_the_same_mouths(talker, picture, speech):
  assert talker._nets.per_utterance
  as_it_is = Talker(talker._nets._replace(per_utterance=False))
  options = Options(memory=False)
  moved = [np.abs(t.plan(picture, speech, options=options).landmarks
                  - t.plan(picture, 0.6 * speech, options=options).landmarks).max()
           for t in (talker, as_it_is)]
  assert moved[0] < 1e-3 * moved[1]


def test_audio2mouth_alone_plans_the_same(talker, system_dir, moving, speech, tmp_path):
  shutil.copytree(system_dir / 'audio2mouth', tmp_path / 'audio2mouth')
  alone = Talker(loading.load_mouth(tmp_path))
  options = Options(memory=False)
  np.testing.assert_array_equal(alone.plan(moving, speech, options=options).landmarks,
                                talker.plan(moving, speech, options=options).landmarks)
  with pytest.raises(UserError, match='audio2mouth'):
    loading.load_mouth(tmp_path / 'nothing')


def test_shares_of_references_are_whole_however_small_their_weights():
  weight = np.float32([[.5, 1e-30, 0, 1], [.45, 1.2e-30, 0, 1e-9]])[None, :, None, :, None]
  got = np.asarray(forward.shares(weight))[0, :, 0, :, 0]
  first = [1 / (1 + .9**16), 1 / (1 + 1.2**16), .5, 1]
  np.testing.assert_allclose(got, [first, np.subtract(1, first)], atol=1e-6)
