"""One random example of one clip: chooses a window, decodes its frames, cuts the matching audio."""

import math
import threading
from collections import OrderedDict

import numpy as np

from cemnet_jax.data.schema import SYNC_FRAMES
from cemnet_jax.data.sound_changes import changed
from cemnet_jax.data.text import tokens_of
from cemnet_jax.preprocess import audio
from cemnet_jax.preprocess.crop import decode_jpeg, resize
from cemnet_jax.preprocess.landmark_flow import landmark_flow
from cemnet_jax.preprocess.sketch import draw_sketches, inside_mouth, iplap_sketch
from cemnet_jax.topology import (
  CONTENT,
  INNER_LIP_BOTTOM,
  INNER_LIP_TOP,
  LIPS,
  POSE,
  SAMPLES_PER_FRAME,
)

FEATURE_CACHE_BYTES = 512 << 20
CLOSED_SHARE = 0.15  # of a clip's frames: speech closes the lips in a fifth of them or more
OPEN_SHARE = 0.25
MAX_SYNC_OFFSET = 15  # frames; SyncNet's search range (spec 9.1)


class Features:
  """Audio features of whole clips, kept while they fit into `FEATURE_CACHE_BYTES`."""

  def __init__(self, clips):
    self.clips = clips
    self._kept, self._size, self._lock = OrderedDict(), 0, threading.Lock()

  def mel(self, index):
    """(A, 80) mel spectrogram of clip `index`."""
    return self.cached(('mel', index), lambda: audio.mel_spectrogram(self.clips[index]['audio']))

  def track(self, index):
    """(M, 12) MFCC frames of clip `index`."""
    return self.cached(('mfcc', index), lambda: audio.mfcc_track(self.clips[index]['audio']))

  def sync(self, index):
    """(V, 13, 20) SyncNet blocks of clip `index`."""
    return self.cached(('sync', index), lambda: audio.syncnet_mfcc(self.clips[index]['audio']))

  def cached(self, key, compute):
    """The value kept under `key`; computed, and older ones dropped, where it is absent."""
    with self._lock:
      if key in self._kept:
        self._kept.move_to_end(key)
        return self._kept[key]
    value = compute()
    with self._lock:
      if key not in self._kept:
        self._kept[key] = value
        self._size += value.nbytes
      while self._size > FEATURE_CACHE_BYTES:
        self._size -= self._kept.popitem(last=False)[1].nbytes
    return value

  def __reduce__(self):
    return Features, (self.clips,)


def mouth(clips, features, cfg, index, rng):
  """A window of T frames, and N reference frames of the same clip outside of it; the sound is
  changed by `cfg.augment`."""
  clip, start = _window(clips, cfg, index, rng)
  outside = _frames_outside(rng, len(clip['frames']), start, cfg.T, cfg.N)
  mel = features.mel(index)
  mel = changed(mel, rng, cfg.augment) if cfg.augment else mel
  return {**_mouth_window(mel, clip, start, cfg.T),
          'ref_landmarks': _points(clip, outside), **_labels(clip, index)}


def voice(clips, features, cfg, index, rng):
  """One random MFCC window."""
  clip = clips[index]
  frame = int(rng.integers(len(clip['audio']) // SAMPLES_PER_FRAME))
  return {'mfcc': mfcc_at(features.track(index), [frame])[0], **_labels(clip, index)}


def speech(clips, features, cfg, index, rng):
  """All MFCC windows and the transcript of a clip (deterministic)."""
  clip, tokens = clips[index], tokens_of(clips[index]['transcript'])
  count = len(clip['audio']) // SAMPLES_PER_FRAME
  windows = np.zeros((cfg.windows, audio.MFCC_WINDOW, 12), np.float32)
  windows[:count] = audio.mfcc_windows_from(features.track(index), count)
  padded = np.zeros(cfg.tokens, np.int32)
  padded[:len(tokens)] = tokens
  return {'mfcc': windows, 'windows': np.int32(count), 'tokens': padded,
          'token_lengths': np.int32(len(tokens)), **_labels(clip, index)}


def face(clips, features, cfg, index, rng):
  """One random frame."""
  clip = clips[index]
  frame = int(rng.integers(len(clip['frames'])))
  points = _points(clip, [frame])[0]
  return {'image': _pictures(clip, [frame], cfg.image_size)[0], 'lips': points[LIPS],
          'landmarks': points, **_labels(clip, index)}


def cross(clips, features, cfg, row, rng):
  """A window of the driving clip, and N frames of a reference clip that shows another emotion."""
  index, reference = row
  clip, start = _window(clips, cfg, index, rng)
  other = clips[reference]
  shown = _choose(rng, np.arange(len(other['frames'])), cfg.N)
  spread = np.linspace(0, len(clip['frames']) - 1, cfg.emotion_windows)
  return {**_mouth_window(features.mel(index), clip, start, cfg.T),
          'ref_landmarks': _points(other, shown),
          'ref_images': _pictures(other, shown, cfg.image_size),
          'mfcc': mfcc_at(features.track(index), np.rint(spread).astype(int)),
          'ref_emotion': np.int32(other['emotion']), 'ref_clip': np.int32(reference),
          **_labels(clip, index)}


def render(clips, features, cfg, row, rng):
  """A frame with the sketches around it, and N reference frames.

  `row` is (clip, other clips of its speaker); a reference comes from one of those with probability
  cfg.cross_ref, else from the same clip outside of the window. With probability cfg.closed_ref the
  references are frames with closed lips, with probability cfg.open_target the target is one of the
  clip's most open ones, each whatever else is drawn: so mouths have to be opened.
  """
  index, others = row
  length, count = cfg.T, cfg.N
  if _chance(rng, cfg.open_target):
    clip = clips[index]
    starts = np.arange(len(clip['frames']) - length + 1)
    start = int(rng.choice(_ranked(clip, starts, length // 2, -OPEN_SHARE)))
  else:
    clip, start = _window(clips, cfg, index, rng)
  centre = start + length // 2
  closed = _chance(rng, cfg.closed_ref)
  if len(others) and rng.random() < cfg.cross_ref:
    reference = int(rng.choice(others))
    frames = np.arange(len(clips[reference]['frames']))
  else:
    reference, frames = index, _outside(len(clip['frames']), start, length)
  other, size = clips[reference], cfg.image_size
  shown = _choose(rng, _ranked(other, frames, 0, CLOSED_SHARE) if closed else frames, count)
  moments = np.arange(start, start + length)
  window = _points(clip, moments)
  unseen = inside_mouth(window[length // 2], size) * np.uint8(closed)
  known = _points(other, shown)
  correspondence = (landmark_flow(window[length // 2], known, size) if cfg.landmark_flow
                  else np.zeros((count, size, size, 3), np.float32))
  return {'target': _pictures(clip, [centre], size)[0], 'sketches': _sketches(clip, moments, cfg),
          'reference': _pictures(other, shown, size),
          'ref_sketches': _sketches(other, shown, cfg), 'correspondence': correspondence,
          'unseen': unseen,
          'mel': mel_at(features.mel(index), [centre], len(clip['audio']))[0],
          'lips': window[length // 2, LIPS], 'ref_clip': np.int32(reference),
          **_labels(clip, index)}


def sync(clips, features, cfg, index, rng):
  """Frames and audio at K moments of a clip that are at most SyncNet's search range apart."""
  clip, blocks = clips[index], features.sync(index)
  span = max(MAX_SYNC_OFFSET + 1, cfg.moments)
  first = int(rng.integers(max(len(blocks) - span, 0) + 1))
  near = np.arange(first, min(first + span, len(blocks)))
  starts = rng.choice(near, cfg.moments, replace=False)
  wanted, where = np.unique(starts[:, None] + np.arange(SYNC_FRAMES), return_inverse=True)
  pictures = _pictures(clip, wanted, cfg.image_size)  # stacks overlap: each frame is decoded once
  return {'frames': pictures[where.reshape(-1, SYNC_FRAMES)], 'mfcc13': blocks[starts],
          'moment': starts.astype(np.int32), **_labels(clip, index)}


def lip_sync(clips, features, cfg, index, rng):
  """Five frames and their mel at K different moments of a clip."""
  clip = clips[index]
  starts = _starts(clip, cfg.moments, rng)
  frames = starts[:, None] + np.arange(SYNC_FRAMES)
  pictures = _pictures(clip, frames.ravel(), cfg.image_size)
  # Wav2Lip's window for five frames, that of the centre, starts with them and lasts as long.
  mel = mel_at(features.mel(index), frames[:, SYNC_FRAMES // 2], len(clip['audio']))
  return {'frames': pictures.reshape(*frames.shape, *pictures.shape[1:]), 'mel': mel,
          **_labels(clip, index)}


def talk(clips, features, cfg, index, rng):
  """Five frames with their mel windows, and five frames of another window of the same clip."""
  clip = clips[index]
  frames, others = _starts(clip, 2, rng)[:, None] + np.arange(SYNC_FRAMES)
  return {'target': _pictures(clip, frames, cfg.image_size),
          'reference': _pictures(clip, others, cfg.image_size),
          'mel': mel_at(features.mel(index), frames, len(clip['audio'])), **_labels(clip, index)}


def mel_at(mel, frames, samples):
  """(len(frames), 80, 16) windows of a whole clip's mel, equal to `audio.mel_windows`."""
  starts = audio.mel_starts(frames, samples)
  return np.stack([mel[s:s + audio.MEL_WINDOW].T for s in starts])


def mfcc_at(track, frames):
  """(len(frames), 28, 12) windows of a whole clip's MFCC frames."""
  return np.stack([track[audio.MFCC_STEP * f:audio.MFCC_STEP * f + audio.MFCC_WINDOW]
                   for f in frames])


def _window(clips, cfg, index, rng):
  clip = clips[index]
  return clip, int(rng.integers(len(clip['frames']) - cfg.T + 1))


def _starts(clip, count, rng):
  """Where different windows of five frames begin; they may overlap, as in Wav2Lip's data."""
  return rng.choice(len(clip['frames']) - SYNC_FRAMES + 1, count, replace=False)


def _mouth_window(mel, clip, start, length):
  frames = np.arange(start, start + length)
  points = _points(clip, frames)
  return {'mel': mel_at(mel, frames, len(clip['audio'])),
          'mel_statistics': audio.statistics_of(mel), 'pose': points[:, POSE],
          'content': points[:, CONTENT]}


def _frames_outside(rng, total, start, length, count):
  return _choose(rng, _outside(total, start, length), count)


def _outside(total, start, length):
  frames = np.arange(total)
  return frames[(frames < start) | (frames >= start + length)]


def _chance(rng, probability):
  """True with a probability; where that is 0 nothing is drawn, so that what follows stays."""
  return probability > 0 and rng.random() < probability


def _ranked(clip, moments, centre, share):
  """The `share` of `moments` whose frame `centre` later has the least open lips; the most open
  ones if `share` < 0. At least one."""
  gaps = np.diff(_points(clip, moments + centre)[:, [INNER_LIP_TOP, INNER_LIP_BOTTOM]], axis=1)
  opening = np.sign(share) * np.linalg.norm(gaps[:, 0], axis=-1)
  return moments[np.argsort(opening, kind='stable')[:math.ceil(abs(share) * len(moments))]]


def _choose(rng, frames, count):
  """`count` of `frames`, distinct while there are enough of them."""
  return rng.choice(frames, count, replace=len(frames) < count)


def _points(clip, frames):
  return clip['landmarks'][np.asarray(frames)].astype(np.float32)


def _sketches(clip, frames, cfg):
  points, size = _points(clip, frames), cfg.image_size
  if cfg.lines == 'iplap':
    return np.stack([iplap_sketch(face, size, box)
                     for face, box in zip(points, clip['crop_box'][frames], strict=True)])
  return draw_sketches(points, size, cfg.lines == 'filled')


def _pictures(clip, frames, size):
  return np.stack([resize(decode_jpeg(clip['frames'][f]), size) for f in frames])


def _labels(clip, index):
  return {'emotion': np.int32(clip['emotion']), 'speaker': np.int32(clip['speaker_index']),
          'clip': np.int32(index)}
