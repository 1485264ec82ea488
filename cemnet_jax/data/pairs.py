"""Rows of clip indices over a pinned clips dataset, and the examples they name."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cemnet_jax import fingerprints
from cemnet_jax.data.digest import dataset_digest
from cemnet_jax.data.folders import SPLITS, dataset_path, load_records
from cemnet_jax.data.source import Clips
from cemnet_jax.data.windows import mfcc_at
from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import audio
from cemnet_jax.preprocess.alignment import warp_to

# Kind of a batch -> the kind of pairs that its examples are rows of.
PAIRED = {'aee': 'aee', 'cross': 'cross_emotion'}


def pairs_name(kind: str, clips_name: str) -> str:
  """Dataset name of the pairs of `kind` over a clips dataset."""
  return f'pairs/{kind}-{clips_name.replace("/", "-")}'


def pairs_over(data_dir, clips_name: str) -> dict:
  """Name -> tfds info of every complete pairs dataset that was made over a clips dataset."""
  found = {}
  for folder in sorted(Path(data_dir, 'pairs').glob('*')):
    name = f'pairs/{folder.name}'
    with contextlib.suppress(UserError):  # an unfinished or damaged one pins nothing
      info = load_records(dataset_path(data_dir, name)).info
      if info.metadata and info.metadata.get('clips') == clips_name:
        found[name] = info
  return found


def pairs_identity(data_dir, kind: str, clips_name: str) -> dict[str, str]:
  """Name -> version and digest of the pairs of `kind` over a clips dataset."""
  name = pairs_name(kind, clips_name)
  path = dataset_path(data_dir, name)
  return {name: fingerprints.of_dataset(path.name, dataset_digest(path))}


def pinned_clips(metadata: Mapping) -> str:
  """Version and digest of the clips that pairs were made for; '' where their metadata, of an older
  version of this program, have no digest."""
  digest = metadata.get('clips_digest')
  return fingerprints.of_dataset(metadata['clips_version'], digest) if digest else ''


class Pairs:
  """All rows of one pairs dataset in memory, by split.

  Raises:
    UserError: the dataset is absent, or was made for another build of the clips.
  """

  def __init__(self, data_dir, kind: str, clips: Clips):
    name = pairs_name(kind, clips.name)
    path = dataset_path(data_dir, name)
    builder = load_records(path)
    pinned, (made,) = pinned_clips(builder.info.metadata), clips.identity().values()
    if pinned != made:
      raise UserError(f'{name} in {path} was made for other clips ({pinned or "it does not say"}, '
                      f'{clips.name} is {made}): prepare {clips.name} again, which makes it anew')
    self.rows = {}
    for split in SPLITS:
      has_rows = split in builder.info.splits and builder.info.splits[split].num_examples
      source = builder.as_data_source(split) if has_rows else ()
      self.rows[split] = [source[i] for i in range(len(source))]


def aee(clips, features, cfg, row, rng):
  """Eight clips of two emotions x two timbres x two contents, 1 + cfg.emotion_windows of each.

  `mfcc` is aligned: each clip is warped onto the canonical rendition of its content along the
  stored DTW path. The four clips of a content share the window; both contents share its relative
  place in the sentence. `natural` are windows of the clip as it was spoken, one at any moment of
  each equal part: what the emotion encoder hears when it is used, a sample of an utterance, with
  little of the aligned window's content in it. A clip that does not exist is zeros in both.
  """
  place = rng.random()
  indices = row['clips']
  inputs = indices[[0, 1], [0, 1], [0, 1]]  # they always exist
  ends = np.cumsum(row['path_lengths'])
  paths = np.split(row['paths'], ends[:-1])
  aligned = np.zeros((2, 2, 2, audio.MFCC_WINDOW, 12), np.float32)
  count = cfg.emotion_windows
  natural = np.zeros((2, 2, 2, count, audio.MFCC_WINDOW, 12), np.float32)
  for flat, (e, t, c) in enumerate(np.ndindex(2, 2, 2)):
    index = int(indices[e, t, c])
    if index >= 0:
      natural[e, t, c] = [_window(features.track(index), (part + rng.random()) / count)
                          for part in range(count)]
      track = _warped(features, index, int(row['canonical'][c]), paths[flat])
      aligned[e, t, c] = _window(track, place)
  return {'mfcc': aligned, 'natural': natural, 'mask': (indices >= 0).astype(np.float32),
          'clip': indices.astype(np.int32),
          'emotion': clips.table['emotion'][inputs].astype(np.int32),
          'speaker': clips.table['speaker_index'][inputs].astype(np.int32)}


def _window(track, place):
  """The (28, 12) window at `place`, 0 to 1, of a track."""
  count = (len(track) - audio.MFCC_WINDOW) // audio.MFCC_STEP + 1
  return mfcc_at(track, [int(place * count)])[0]


def _warped(features, index, canonical, path):
  """(M', 12) MFCC frames of a clip on the time axis of its canonical rendition."""
  def compute():
    return warp_to(path, features.track(index), len(features.track(canonical)))
  return features.cached(('warped', index, canonical), compute)
