"""Every key of every kind of batch: shape letters, dtype and meaning.

Letters: B batch, T video frames of a window, N references, H W picture (cfg.image_size), M emotion
windows (cfg.emotion_windows), U audio windows and S tokens of an utterance (cfg.windows,
cfg.tokens), K moments of a clip (cfg.moments); numbers stand for themselves. Landmarks are in the
crop, [0, 1]; pictures are RGB.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

# Defaults of optional fields of cfg.data.
DEFAULTS = dict(T=5, N=5, image_size=128, emotion_windows=16, windows=112, tokens=64, cross_ref=0.0,
                closed_ref=0.0, open_target=0.0, lines='smooth', landmark_flow=False, moments=8,
                augment=0.0, held_out=0.0, labels=())
SYNC_FRAMES = 5


class Key(NamedTuple):
  """One array of a batch: shape letters after B, dtype, meaning."""
  shape: str
  dtype: type
  meaning: str


_MEL = Key('T 80 16', np.float32, '0.2 s of mel spectrogram around each frame')
_MEL_STATISTICS = Key('2 80', np.float32,
                      'mean and standard deviation of each mel band over the whole utterance')
_POSE = Key('T 74 2', np.float32, 'pose landmarks: what speech and emotion leave alone')
_CONTENT = Key('T 57 2', np.float32, 'jaw and lip landmarks, the target')
_REFERENCES = Key('N 131 2', np.float32, 'landmarks of the reference frames')
_EMOTION = Key('', np.int32, 'index into topology.LABELS')
_SPEAKER = Key('', np.int32, 'index over speakers of the dataset, train speakers first')

_COMMON = {
  'mask': Key('', np.float32, '1 for an example, 0 for padding of the last evaluation batch'),
  'clip': Key('', np.int32, 'global index of the (driving) clip'),
}
_LABELS = {'emotion': _EMOTION, 'speaker': _SPEAKER}

SPEC = {
  'mouth': {'mel': _MEL, 'mel_statistics': _MEL_STATISTICS, 'pose': _POSE, 'content': _CONTENT,
            'ref_landmarks': _REFERENCES, **_LABELS, **_COMMON},
  'voice': {'mfcc': Key('28 12', np.float32, 'one window of MFCC 1 to 12'), **_LABELS, **_COMMON},
  'speech': {
    'mfcc': Key('U 28 12', np.float32, 'all windows of a clip, 25 a second, zeros after the end'),
    'windows': Key('', np.int32, 'how many windows are real'),
    'tokens': Key('S', np.int32, 'transcript, padded with blank = 0'),
    'token_lengths': Key('', np.int32, 'how many tokens are real'), **_LABELS, **_COMMON},
  'aee': {
    'mfcc': Key('2 2 2 28 12', np.float32,
                'time-aligned windows by [emotion, timbre, content]'),
    'natural': Key('2 2 2 M 28 12', np.float32,
                   'windows of each clip as spoken, zeros where it is missing'),
    **_COMMON,
    'mask': Key('2 2 2', np.float32, '0 where the clip is missing, or in padding'),
    'clip': Key('2 2 2', np.int32, 'global clip indices, -1 where missing'),
    'emotion': Key('2', np.int32, 'the two emotions'),
    'speaker': Key('2', np.int32, 'the two speakers')},
  'face': {'image': Key('H W 3', np.uint8, 'a random frame'),
           'lips': Key('40 2', np.float32, 'its lip landmarks'),
           'landmarks': Key('131 2', np.float32, 'all of its landmarks'), **_LABELS, **_COMMON},
  'cross': {
    'mel': _MEL, 'mel_statistics': _MEL_STATISTICS, 'pose': _POSE, 'content': _CONTENT,
    'ref_landmarks': _REFERENCES,
    'ref_images': Key('N H W 3', np.uint8, 'the reference frames'),
    'mfcc': Key('M 28 12', np.float32, 'windows spread evenly over the driving clip'),
    'ref_emotion': Key('', np.int32, 'emotion that the references show'),
    'ref_clip': Key('', np.int32, 'global index of the reference clip'), **_LABELS, **_COMMON},
  'render': {
    'target': Key('H W 3', np.uint8, 'centre frame of the window'),
    'sketches': Key('T H W', np.uint8, 'line sketches of the window'),
    'reference': Key('N H W 3', np.uint8, 'reference frames'),
    'ref_sketches': Key('N H W', np.uint8, 'their line sketches'),
    'correspondence': Key(
      'N H W 3', np.float32, 'from each pixel to its place in each reference by the landmarks of '
      'both, (x, y) in sides of the crop, and how much is seen there; zeros unless asked for'),
    'unseen': Key('H W', np.uint8, '255 inside the mouth of the target where the references are '
                  'chosen for closed lips, else 0'),
    'mel': Key('80 16', np.float32, 'mel window of the centre frame'),
    'lips': Key('40 2', np.float32, 'lip landmarks of the centre frame'),
    'ref_clip': Key('', np.int32, 'global index of the reference clip'), **_LABELS, **_COMMON},
  'sync': {
    'frames': Key('K 5 H W 3', np.uint8, 'five consecutive frames at K moments of one clip'),
    'mfcc13': Key('K 13 20', np.float32, '0.2 s of MFCC 0 to 12 of int16 audio at each moment'),
    'moment': Key('K', np.int32, 'first frame of each, all distinct and close to one another'),
    **_LABELS, **_COMMON},
  'lip_sync': {
    'frames': Key('K 5 H W 3', np.uint8, 'five consecutive frames at K moments of one clip'),
    'mel': Key('K 80 16', np.float32, 'their 0.2 s of mel'), **_LABELS, **_COMMON},
  'talk': {
    'target': Key('5 H W 3', np.uint8, 'five consecutive frames'),
    'reference': Key('5 H W 3', np.uint8, 'five others of the same clip'),
    'mel': Key('5 80 16', np.float32,
               'mel window of each target frame; that of the third covers all five'),
    **_LABELS, **_COMMON},
}


def settings(cfg) -> SimpleNamespace:
  """The fields of a data config, with `DEFAULTS` where it is silent; fast to read and picklable."""
  return SimpleNamespace(**{**DEFAULTS, **dict(cfg)})


def example(cfg, batch_size: int) -> dict[str, np.ndarray]:
  """A batch of zeros with the shapes and dtypes of `cfg.kind`, for eval_shape and compilation."""
  cfg = settings(cfg)
  sizes = {'T': cfg.T, 'N': cfg.N, 'H': cfg.image_size, 'W': cfg.image_size,
           'M': cfg.emotion_windows, 'U': cfg.windows, 'S': cfg.tokens, 'K': cfg.moments}
  return {
    name: np.zeros((batch_size, *(sizes.get(d) or int(d) for d in key.shape.split())), key.dtype)
    for name, key in SPEC[cfg.kind].items()}
