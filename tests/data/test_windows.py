"""Every array of an example belongs to the same moment of the clip it names."""

from functools import partial

import cv2
import numpy as np
import pytest

from cemnet_jax.data.pipeline import open_clips
from cemnet_jax.data.schema import SPEC, example
from cemnet_jax.data.text import text_of
from cemnet_jax.preprocess import audio
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.preprocess.landmark_flow import landmark_flow
from cemnet_jax.preprocess.sketch import draw_sketch, inside_mouth, iplap_sketch
from cemnet_jax.topology import CONTENT, LIPS, POSE
from tests.data.helpers import batches, config


@pytest.fixture(scope='module')
def clips(debug_data):
  return open_clips(str(debug_data), 'synth_mead/mead_debug')[0]


def examples(debug_data, kind, count=3, **fields):
  data = batches(config(kind, **fields), debug_data)
  for step in range(count):
    batch = data[step]
    for b in range(8):
      yield {key: value[b] for key, value in batch.items()}


def frame_of(points, clip, group):
  """The frame of `clip` whose landmarks in `group` are `points`."""
  found = np.nonzero((clip['landmarks'][:, group].astype(np.float32) == points).all((1, 2)))[0]
  assert len(found) == 1
  return int(found[0])


def frames_of(references, clip):
  return [frame_of(points, clip, slice(None)) for points in references]


@pytest.mark.parametrize('kind', SPEC)
def test_batches_follow_the_schema(debug_data, kind):
  cfg = config(kind)
  expected = example(cfg, 8)
  for train in (True, False):
    batch = batches(cfg, debug_data, 'train', train=train)[0]
    assert {k: (v.shape, v.dtype) for k, v in batch.items()} == {
      k: (v.shape, v.dtype) for k, v in expected.items()}


def test_mouth(debug_data, clips):
  for item in examples(debug_data, 'mouth'):
    clip = clips[item['clip']]
    start = frame_of(item['content'][0], clip, CONTENT)
    window = clip['landmarks'][start:start + 5].astype(np.float32)
    np.testing.assert_array_equal(item['content'], window[:, CONTENT])
    np.testing.assert_array_equal(item['pose'], window[:, POSE])
    np.testing.assert_array_equal(item['mel'], audio.mel_windows(clip['audio'], start, 5))
    np.testing.assert_array_equal(item['mel_statistics'], audio.mel_statistics(clip['audio']))
    shown = frames_of(item['ref_landmarks'], clip)
    assert len(set(shown)) == 5 and not set(shown) & set(range(start, start + 5))
    assert item['emotion'] == clip['emotion'] and item['speaker'] == clip['speaker_index']


def test_the_sound_is_changed_in_training_alone(debug_data, clips):
  plain, changed = (batches(config('mouth', **fields), debug_data)[0]
                    for fields in ({}, {'augment': 1.0}))
  for key in ('clip', 'pose', 'content', 'ref_landmarks'):
    np.testing.assert_array_equal(plain[key], changed[key])
  assert (np.abs(plain['mel'] - changed['mel']).mean((1, 2, 3)) > 0.02).all()
  assert (plain['mel_statistics'] != changed['mel_statistics']).any((1, 2)).all()
  again = batches(config('mouth', augment=1.0), debug_data)[0]
  np.testing.assert_array_equal(changed['mel'], again['mel'])
  for item in (batches(config('mouth', **fields), debug_data, 'val', train=False)[0]
               for fields in ({}, {'augment': 1.0})):
    clip = clips[item['clip'][0]]
    start = frame_of(item['content'][0, 0], clip, CONTENT)
    np.testing.assert_array_equal(item['mel'][0], audio.mel_windows(clip['audio'], start, 5))


def test_windows_of_changed_sound_are_parts_of_one_sound(debug_data):
  for item in examples(debug_data, 'mouth', 1, augment=1.0):
    for earlier, later in zip(item['mel'][:-1], item['mel'][1:], strict=True):
      # Windows start 3 or 4 mel frames apart, or at the same one where the clip begins and ends.
      assert any((earlier[:, hop:] == later[:, :16 - hop]).all() for hop in range(5))


def test_voice(debug_data, clips):
  for item in examples(debug_data, 'voice'):
    windows = audio.mfcc_windows(clips[item['clip']]['audio'])
    assert (windows == item['mfcc']).all((1, 2)).sum() >= 1


def test_speech(debug_data):
  lrs = open_clips(str(debug_data), 'synth_mead/lrs_debug')[0]
  for item in examples(debug_data, 'speech', 1, windows=40, tokens=20):
    clip, count = lrs[item['clip']], item['windows']
    assert count == len(clip['frames'])
    np.testing.assert_array_equal(item['mfcc'][:count], audio.mfcc_windows(clip['audio']))
    assert not item['mfcc'][count:].any()
    assert text_of(item['tokens']) == clip['transcript']
    assert item['token_lengths'] == len(clip['transcript'])
    assert not item['tokens'][item['token_lengths']:].any()


def test_face(debug_data, clips):
  for item in examples(debug_data, 'face', 1):
    clip = clips[item['clip']]
    frame = frame_of(item['lips'], clip, LIPS)
    np.testing.assert_array_equal(item['image'], decode_jpeg(clip['frames'][frame]))
    np.testing.assert_array_equal(item['landmarks'], clip['landmarks'][frame].astype(np.float32))


def test_pictures_are_resized(debug_data, clips):
  for size, how in ((16, cv2.INTER_AREA), (48, cv2.INTER_LINEAR)):
    item = next(examples(debug_data, 'face', 1, image_size=size))
    clip = clips[item['clip']]
    picture = decode_jpeg(clip['frames'][frame_of(item['lips'], clip, LIPS)])
    np.testing.assert_array_equal(item['image'],
                                  cv2.resize(picture, (size, size), interpolation=how))


def test_cross(debug_data, clips):
  seen = set()
  for item in examples(debug_data, 'cross', 6, emotion_windows=4):
    clip, reference = clips[item['clip']], clips[item['ref_clip']]
    start = frame_of(item['content'][0], clip, CONTENT)
    np.testing.assert_array_equal(item['mel'], audio.mel_windows(clip['audio'], start, 5))
    np.testing.assert_array_equal(item['mel_statistics'], audio.mel_statistics(clip['audio']))
    shown = frames_of(item['ref_landmarks'], reference)
    for frame, picture in zip(shown, item['ref_images'], strict=True):
      np.testing.assert_array_equal(picture, decode_jpeg(reference['frames'][frame]))
    assert clip['speaker'] == reference['speaker'] and clip['sentence'] != reference['sentence']
    assert item['emotion'] == clip['emotion'] and item['ref_emotion'] == reference['emotion']
    windows = audio.mfcc_windows(clip['audio'])
    evenly = np.rint(np.linspace(0, len(windows) - 1, 4)).astype(int)
    np.testing.assert_array_equal(item['mfcc'], windows[evenly])
    seen.add((int(item['emotion']), int(item['ref_emotion'])))
  assert len(seen) > 20  # emotions of speech and of references are independent


@pytest.mark.parametrize(('cross_ref', 'lines'), [
  (0.0, 'smooth'), (1.0, 'filled'), (1.0, 'iplap')])
def test_render(debug_data, clips, cross_ref, lines):
  filled = lines == 'filled'

  def drawn(clip, frame):
    points = clip['landmarks'][frame].astype(np.float32)
    if lines == 'iplap':
      return iplap_sketch(points, 32, clip['crop_box'][frame])
    return draw_sketch(points, 32, filled)

  for item in examples(debug_data, 'render', 1, cross_ref=cross_ref, lines=lines,
                       landmark_flow=filled):
    clip, reference = clips[item['clip']], clips[item['ref_clip']]
    centre = frame_of(item['lips'], clip, LIPS)
    np.testing.assert_array_equal(item['target'], decode_jpeg(clip['frames'][centre]))
    for t, sketch in enumerate(item['sketches']):
      np.testing.assert_array_equal(sketch, drawn(clip, centre - 2 + t))
    np.testing.assert_array_equal(item['mel'], audio.mel_windows(clip['audio'], centre, 1)[0])
    assert (item['clip'] == item['ref_clip']) == (cross_ref == 0)
    assert clip['speaker'] == reference['speaker']
    pictures = [decode_jpeg(frame) for frame in reference['frames']]
    flow = partial(landmark_flow, clip['landmarks'][centre].astype(np.float32), size=32)
    for picture, sketch, correspondence in zip(item['reference'], item['ref_sketches'],
                                               item['correspondence'], strict=True):
      frames = [i for i, p in enumerate(pictures) if (p == picture).all()]
      assert any((sketch == drawn(reference, i)).all() for i in frames)
      known = [flow(reference['landmarks'][[i]].astype(np.float32)) for i in frames]
      assert any((correspondence == (d if filled else 0)).all() for d in known)
      assert cross_ref or not set(frames) & set(range(centre - 2, centre + 3))


def lip_gaps(clip):
  top, bottom = (clip['landmarks'][:, i].astype(np.float32) for i in (116, 126))
  return np.hypot(*(top - bottom).T)


def test_render_shows_closed_lips_and_wants_open_ones(debug_data, clips):
  """References among the 15 % of frames most closed, targets among the quarter most open."""
  ranks = []
  for item in examples(debug_data, 'render', 2, closed_ref=1.0, open_target=1.0):
    clip = clips[item['clip']]
    gaps, centre = lip_gaps(clip), frame_of(item['lips'], clip, LIPS)
    assert (gaps[2:-2] > gaps[centre]).sum() < np.ceil(0.25 * (len(gaps) - 4))
    outside = np.abs(np.arange(len(gaps)) - centre) > 2
    pictures = [decode_jpeg(f) for f in clip['frames']]
    for picture in item['reference']:
      shown = [i for i, p in enumerate(pictures) if outside[i] and (p == picture).all()]
      ranks.append(min((gaps[outside] < gaps[i]).sum() for i in shown))
      assert ranks[-1] < np.ceil(0.15 * outside.sum())
    mouth = inside_mouth(clip['landmarks'][centre].astype(np.float32), 32)
    np.testing.assert_array_equal(item['unseen'], mouth)
  assert len(set(ranks)) > 2, 'drawn at random among them'


def test_shares_of_closed_references_and_open_targets(debug_data, clips):
  def batch(**fields):
    return batches(config('render', cross_ref=1.0, **fields), debug_data, batch_size=32)[0]

  def gaps(batch):
    found = [lip_gaps(clips[i])[frame_of(lips, clips[i], LIPS)] for i, lips in
             zip(batch['clip'], batch['lips'])]
    return np.mean(found)

  plain, half = batch(), batch(closed_ref=0.5)
  assert not plain['unseen'].any()
  assert 6 < half['unseen'].any((1, 2)).sum() < 26
  for key, value in batch(closed_ref=0.0, open_target=0.0).items():
    np.testing.assert_array_equal(value, plain[key])
  for key, value in batch(closed_ref=0.5).items():
    np.testing.assert_array_equal(value, half[key])
  assert gaps(batch(open_target=1.0)) > 1.5 * gaps(plain)


def test_sync(debug_data, clips):
  gaps = set()
  for item in examples(debug_data, 'sync', 6, moments=4):
    clip, moments = clips[item['clip']], item['moment']
    assert len(set(moments)) == 4
    blocks = audio.syncnet_mfcc(clip['audio'])
    for start, frames, mfcc in zip(moments, item['frames'], item['mfcc13'], strict=True):
      np.testing.assert_array_equal(
        frames, np.stack([decode_jpeg(clip['frames'][start + t]) for t in range(5)]))
      np.testing.assert_array_equal(mfcc, blocks[start])
    gaps |= set((moments[:, None] - moments).flat)
  assert min(gaps) >= -15 and max(gaps) <= 15 and len(gaps) > 10


def starts_of(frames, clip):
  """Where the five frames stand in the clip; it may show the same pictures twice."""
  pictures = np.stack([decode_jpeg(frame) for frame in clip['frames']])
  return {s for s in range(len(pictures) - 4) if (pictures[s:s + 5] == frames).all()}


def test_lip_sync(debug_data, clips):
  for item in examples(debug_data, 'lip_sync', 2, moments=3):
    clip = clips[item['clip']]
    found = [starts_of(frames, clip) for frames in item['frames']]
    assert len(set.union(*found)) >= 3
    for starts, mel in zip(found, item['mel'], strict=True):
      # Wav2Lip's crop_audio_window: 16 mel frames from the first of the five frames on.
      whole = audio.mel_spectrogram(clip['audio'])
      assert any((whole[int(80 * s / 25):][:16].T == mel).all() for s in starts)


def test_talk(debug_data, clips):
  for item in examples(debug_data, 'talk', 2):
    clip = clips[item['clip']]
    starts, others = starts_of(item['target'], clip), starts_of(item['reference'], clip)
    assert starts and others and (starts != others or len(starts) > 1)
    assert any((audio.mel_windows(clip['audio'], s, 5) == item['mel']).all() for s in starts)
