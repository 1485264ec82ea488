import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import methods, mouths
from cemnet_jax.evaluate.cases import References
from cemnet_jax.infer import forward, loading, paste
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Talker
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.preprocess.crop import decode_jpeg, encode_jpeg
from cemnet_jax.stages import build
from cemnet_jax.topology import CONTENT
from cemnet_jax.train import ckpt
from configs import wav2lip as wav2lip_config
from tests.infer.tiny_system import drawn_face, save_stage, save_system

SIZE, FRAMES = 32, 11


@pytest.fixture(scope='module')
def system_dir(tmp_path_factory):
  folder = save_system(tmp_path_factory.mktemp('system'))
  cfg = wav2lip_config.get_config('debug')
  faces = np.zeros((1, cfg.data.image_size, cfg.data.image_size, 3), np.float32)
  mel = np.zeros((1, 80, 16), np.float32)
  save_stage(folder, cfg, 'generator', build.wav2lip(cfg.model), (faces, faces, mel), {})
  return folder


@pytest.fixture(scope='module')
def clip():
  drawn = [drawn_face(SIZE, .01 * np.sin(t)) for t in range(FRAMES)]
  rng = np.random.default_rng(0)
  return {'landmarks': np.stack([p for p, _ in drawn]).astype(np.float16) / SIZE,
          'frames': [encode_jpeg(image) for _, image in drawn],
          'crop_box': np.tile(np.float32([0, 0, SIZE, SIZE]), (FRAMES, 1)),
          'audio': rng.integers(-3000, 3000, FRAMES * 640).astype(np.int16)}


@pytest.fixture(scope='module')
def loaded(system_dir):
  found = methods.load_methods(
    system_dir, ['wav2lip', 'a2m_renderer', 'cemnet_no_aee', 'cemnet'])
  assert list(found.missing) == ['cemnet_no_aee'] and 'ebm_no_aee' in found.missing['cemnet_no_aee']
  return {m.name: m for m in found.methods}


def references_of(clip, first=0, count=5):
  some = slice(first, first + count)
  return References(np.stack([decode_jpeg(f) for f in clip['frames'][some]]),
                    clip['landmarks'][some].astype(np.float32), clip['crop_box'][some])


def predicted(method, clip, references):
  [content] = method.predict(clip, [references])
  return content


def pictures_of(clip):
  return np.stack([decode_jpeg(f) for f in clip['frames']])


def test_methods_do_what_a_talker_does(system_dir, clip, loaded):
  alone, cemnet = loaded['a2m_renderer'], loaded['cemnet']
  references = references_of(clip)
  mouths = [predicted(m, clip, references) for m in (alone, cemnet)]
  assert all(m.shape == (FRAMES, 57, 2) for m in mouths)
  assert np.abs(mouths[0] - mouths[1]).max() > 1e-4

  pictures = pictures_of(clip)
  shown = refs.from_arrays(references.images, references.landmarks * SIZE,
                           refs.whole_boxes(references.images))
  canvas = refs.from_arrays(pictures, clip['landmarks'].astype(np.float32) * SIZE,
                            refs.whole_boxes(pictures), moving=True)
  spoken = Talker.load(system_dir).speak(shown, load_wav16(clip['audio']), canvas=canvas,
                                         calibrate=False, resolution='net')
  np.testing.assert_allclose(spoken.landmarks[:, CONTENT], mouths[1], atol=1e-5)
  whole = cemnet.render(clip, references, mouths[1], np.arange(FRAMES))
  assert np.abs(whole.astype(int) - spoken.frames).max() <= 1
  np.testing.assert_array_equal(whole[:, :SIZE // 2], pictures[:, :SIZE // 2])
  some = cemnet.render(clip, references, mouths[1], np.array([2, 9]))
  np.testing.assert_array_equal(some, whole[[2, 9]])


@pytest.mark.parametrize('length, drawn', [(FRAMES, 5), (FRAMES, 2), (FRAMES, 7), (3, 5)])
def test_cases_of_a_clip_together_are_those_one_by_one(loaded, clip, length, drawn, monkeypatch):
  monkeypatch.setattr(mouths, 'WINDOWS', (8, 3))  # the cases' windows meet within a batch
  short = {**clip, 'landmarks': clip['landmarks'][:length], 'frames': clip['frames'][:length],
           'audio': clip['audio'][:max(length, 6) * 640]}
  cases = [references_of(clip, first, drawn) for first in (0, 1, 4, 2, 3, 0)]
  for name in ('a2m_renderer', 'cemnet', methods.COPY, methods.TRUTH):
    together = loaded[name].predict(short, cases)
    assert together.shape == (6, length, 57, 2)
    single = [predicted(loaded[name], short, references) for references in cases]
    np.testing.assert_allclose(together, single, atol=1e-6)
    if name in ('cemnet', methods.COPY):
      assert np.abs(together[0] - together[2]).max() > 1e-5
    np.testing.assert_allclose(together[0], together[5], atol=1e-6)


def test_what_the_clip_or_the_references_tell_alone_is_made_once(system_dir, clip, monkeypatch):
  calls = []

  def counted(name):
    made = getattr(forward, name)
    monkeypatch.setattr(forward, name, lambda *a: calls.append(name) or made(*a))

  for name in ('frame_tokens', 'picture_cues', 'utterance_emotion'):
    counted(name)
  # The tiny system was trained on no speech; a told emotion makes another system that looks alike.
  monkeypatch.setattr(forward, 'label_emotion', lambda bridge, _: bridge.prototypes['sum'][:1])
  clip = {**clip, 'emotion': 0}
  read, load = [], ckpt.load_params
  monkeypatch.setattr(ckpt, 'load_params', lambda folder: read.append(folder.name) or load(folder))
  found = methods.load_methods(system_dir, ['a2m_renderer', 'cemnet', 'cemnet_told'])
  assert len(read) == len(set(read)) > 4
  first, second = ([references_of(clip, at) for at in some] for some in ((0, 1, 2, 3), (3, 4)))
  for cases in (first, second):
    for method in found.methods:
      method.predict(clip, cases)
  assert len(found.methods) == 6
  assert calls.count('frame_tokens') == calls.count('utterance_emotion') == 1
  assert calls.count('picture_cues') == 3  # four cases at once, then two one by one


def test_speech_is_heard_once_by_methods_with_the_same_ear(system_dir, clip, monkeypatch):
  nets, heard = loading.load(system_dir), []
  hear = forward.utterance_emotion
  monkeypatch.setattr(forward, 'utterance_emotion', lambda *a: heard.append(1) or hear(*a))
  ear, references = methods.listener(Talker(nets)), references_of(clip)
  first, second = (predicted(methods.system_method('cemnet', nets, ear=ear), clip, references)
                   for _ in range(2))
  assert len(heard) == 1
  np.testing.assert_array_equal(first, second)
  other = {**clip, 'audio': clip['audio'][::-1].copy()}
  changed = predicted(methods.system_method('cemnet', nets, ear=ear), other, references)
  assert len(heard) == 2
  alone = predicted(methods.system_method('cemnet', nets), other, references)
  np.testing.assert_array_equal(changed, alone)
  assert np.abs(changed - first).max() > 1e-6


def test_methods_share_an_ear_only_with_the_same_encoder(monkeypatch):
  made = []
  nets = forward.Networks(*[None] * 8)
  monkeypatch.setattr(loading, 'load', lambda folder, system, known: nets)
  monkeypatch.setattr(methods, 'system_method',
                      lambda name, nets, motion, ear, eyes, told: made.append(ear))
  methods.load_methods('folder', ['a2m_renderer', 'cemnet_no_ebm', 'cemnet_no_aee', 'cemnet'])
  agnostic, direct, classifier, whole = made
  assert direct is whole and len({agnostic, classifier, whole}) == 3


def test_bounds(clip, loaded):
  references, frames = references_of(clip), np.array([1, 7])
  truth = clip['landmarks'][:, CONTENT].astype(np.float32)
  for name in (methods.TRUTH, methods.ORACLE):
    np.testing.assert_array_equal(predicted(loaded[name], clip, references), truth)
  real = loaded[methods.TRUTH].render(clip, references, truth, frames)
  np.testing.assert_array_equal(real, pictures_of(clip)[frames])
  drawn = loaded[methods.ORACLE].render(clip, references, truth, frames)
  assert drawn.shape == real.shape and (drawn != real).any()
  copy = loaded[methods.COPY]
  still = predicted(copy, clip, references)
  np.testing.assert_array_equal(still, np.repeat(references.landmarks[:1, CONTENT], FRAMES, 0))
  pasted = copy.render(clip, references, still, frames)
  np.testing.assert_array_equal(pasted[:, :SIZE // 2], real[:, :SIZE // 2])
  np.testing.assert_array_equal(pasted[:, :, 0], real[:, :, 0])
  deep = region_of(clip, frames, surely=.97)
  gap = np.abs(pasted.astype(int) - np.repeat(references.images[:1], 2, 0))[deep]
  assert deep.any() and gap.max() <= paste.MAX_TINT + 1


def region_of(clip, frames, surely=None):
  known = clip['landmarks'].astype(np.float32)[frames]
  if surely is None:
    return np.stack([paste.pasted_region(points, SIZE) for points in known])
  return np.stack([paste.lower_face_mask(points, points, SIZE) > surely for points in known])


def test_the_generated_region_is_what_every_method_changes(clip, loaded):
  other = {**clip, 'frames': [encode_jpeg(255 - decode_jpeg(f)) for f in clip['frames']]}
  references, frames = references_of(other), np.arange(FRAMES)
  real, region = pictures_of(clip), region_of(clip, frames)
  assert region.mean() > .1 and not region[:, :SIZE // 2].any()
  changed = []
  for name in (methods.COPY, methods.ORACLE, 'wav2lip', 'a2m_renderer', 'cemnet'):
    method = loaded[name]
    content = predicted(method, clip, references) if method.predict else None
    made = method.render(clip, references, content, frames)
    changed.append((made != real).any(-1))
    assert changed[-1][region].mean() > .98, name
  # What no method touches lies in the lower half, and outside of the region.
  untouched = ~np.any(changed, axis=0)
  assert untouched[:, SIZE // 2:].mean() > .05 and not untouched[region].any()


def test_wav2lip_draws_the_lower_face_without_landmarks(clip, loaded):
  method, references = loaded['wav2lip'], references_of(clip)
  assert method.predict is None
  whole = method.render(clip, references, None, np.arange(FRAMES))
  real = pictures_of(clip)
  np.testing.assert_array_equal(whole[:, :SIZE // 2], real[:, :SIZE // 2])
  assert (whole[:, SIZE // 2:] != real[:, SIZE // 2:]).any()
  np.testing.assert_array_equal(
    method.render(clip, references, None, np.array([2, 9])), whole[[2, 9]])


def test_a_folder_with_no_system_is_refused_by_the_missing_stage(tmp_path):
  with pytest.raises(UserError, match='audio2mouth'):
    methods.load_methods(tmp_path, ['cemnet'])
