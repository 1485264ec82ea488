"""Built datasets -> batches: `dataset[step]` is batch `step`, a pure function of (seed, step).

Batches are formed before they are dealt out to processes, so that the order of examples does not
depend on how many processes read them.
"""

import dataclasses
import functools
import queue
import threading
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace

import grain
import numpy as np

from cemnet_jax.crops import HEARD
from cemnet_jax.data import labels, pairs, windows
from cemnet_jax.data.order import HELD_OUT, Epochs, held_out_sentences, spread
from cemnet_jax.data.schema import SPEC, SYNC_FRAMES, settings
from cemnet_jax.data.source import Clips
from cemnet_jax.data.text import tokens_of
from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.sketch import LINES


class NoExamples(UserError):
  """A split holds nothing that this kind of batch could be made of."""


PREFETCH = 4  # batches that the background thread keeps ready
SAMPLERS = {'mouth': windows.mouth, 'voice': windows.voice, 'speech': windows.speech,
            'aee': pairs.aee, 'face': windows.face, 'cross': windows.cross,
            'render': windows.render, 'sync': windows.sync, 'lip_sync': windows.lip_sync,
            'talk': windows.talk}


@functools.lru_cache(maxsize=8)
def open_clips(data_dir: str, name: str) -> tuple[Clips, windows.Features]:
  """Clips and their audio features, opened once a process so that all stages share one cache."""
  clips = Clips(data_dir, name)
  return clips, windows.Features(clips)


def make_dataset(cfg, data_dir, split: str, *, seed: int, batch_size: int, train: bool,
                 process_index: int = 0, process_count: int = 1) -> grain.MapDataset:
  """Batches of `cfg.kind` (keys, shapes and dtypes: `data.schema.SPEC`).

  Args:
    cfg: a stage's `cfg.data`; `cfg.dataset` names the clips, several joined by '+'.
    split: 'train', 'val', 'test' or 'test_sentence'; where `cfg.held_out` > 0 also 'held_out', the
      training clips of that share of the sentences, which 'train' is then without.
    batch_size: examples of all processes together.
    train: endless batches in random order, every example once an epoch; else each example once,
      with a random but fixed window, the last batch padded with `mask` = 0. Then every beginning
      is shared by all speakers of the split (`order.spread`).

  Raises:
    NoExamples: the split has no example of the kind.
    UserError: unknown kind, absent or unsuitable dataset, batch size that the processes cannot
      share.
  """
  if cfg.kind not in SPEC:
    raise UserError(f'data.kind={cfg.kind!r} is unknown: choose from {", ".join(SPEC)}')
  if batch_size % process_count:
    raise UserError(f'batch_size={batch_size} is not divisible by {process_count} processes')
  cfg = settings(cfg)
  cfg.augment = cfg.augment if train else 0.0  # what is measured is what was recorded
  clips, features = open_clips(str(data_dir), cfg.dataset)
  labels.check(clips, cfg.labels)
  rows = labels.known_rows(clips, cfg.labels, _rows(cfg, data_dir, split, clips))
  if not rows:
    raise NoExamples(f'split {split!r} of {cfg.dataset} in {data_dir} has no clip for '
                     f'{cfg.kind!r} batches: choose another data.dataset or split')
  sampler = _Sampler(clips, features, cfg, rows)
  if train:
    order = Epochs(len(rows), seed)
  else:
    order = spread([_speakers(row, clips) for row in rows]) + [-1] * (-len(rows) % batch_size)
  dataset = grain.MapDataset.source(order).seed(seed).random_map(sampler)
  dataset = dataset.batch(batch_size // process_count)
  return dataset[process_index::process_count]


def iterate(dataset, start: int, workers: int) -> Iterator[dict[str, np.ndarray]]:
  """Batches `start`, `start` + 1, ... prepared ahead: in a thread, or in `workers` processes.

  `dataset` is one of `make_dataset`, or (without workers) anything with `dataset[step]`.
  """
  if workers:
    options = grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2)
    read = grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)
    yield from dataset[start:].to_iter_dataset(read).mp_prefetch(options)
    return
  ready, stop = queue.Queue(PREFETCH), threading.Event()

  def put(item):
    while not stop.is_set():
      try:
        return ready.put(item, timeout=0.1)
      except queue.Full:
        continue

  def produce():
    try:
      steps = range(start, len(dataset)) if hasattr(dataset, '__len__') else count(start)
      for step in steps:
        if stop.is_set():
          return
        put(dataset[step])
      put(None)
    except BaseException as error:  # noqa: BLE001 - handed over to the consumer's thread
      put(error)

  thread = threading.Thread(target=produce, daemon=True, name='batches')
  thread.start()
  try:
    while (item := ready.get()) is not None:
      if isinstance(item, BaseException):
        raise item
      yield item
  finally:
    stop.set()
    thread.join()


def _rows(cfg, data_dir, split, clips) -> list:
  """What an example is made of: clip indices, or rows of the pairs dataset."""
  if split not in clips.ranges and not (split == HELD_OUT and cfg.held_out):
    raise UserError(f'split {split!r} is unknown: choose from {", ".join(clips.ranges)}')
  if cfg.kind not in HEARD and not clips.table['num_frames'].any():
    raise UserError(f'{clips.name} holds no pictures, which a stage on {cfg.kind!r} needs: '
                    'choose a dataset with video')
  if cfg.kind == 'render' and cfg.lines not in LINES:
    raise UserError(f'data.lines {cfg.lines!r}: choose from {", ".join(LINES)}')
  if cfg.held_out and cfg.kind in ('aee', 'cross', 'render'):
    raise UserError(f'data.held_out={cfg.held_out}: examples of kind {cfg.kind!r} are made of '
                    'several clips, whose sentences cannot be held out: set it to 0')
  if cfg.kind == 'aee':
    return pairs.Pairs(data_dir, pairs.PAIRED[cfg.kind], clips).rows[split]
  frames = clips.lengths()
  if cfg.kind == 'cross':
    rows = pairs.Pairs(data_dir, pairs.PAIRED[cfg.kind], clips).rows[split]
    rows = [(int(row['driving']), int(row['reference'])) for row in rows]
    return [row for row in rows if frames[row[0]] >= cfg.T]
  indices = _indices(cfg, split, clips)
  if cfg.kind in ('mouth', 'render'):
    indices = indices[frames[indices] > cfg.T]
  if cfg.kind in ('sync', 'lip_sync'):
    indices = indices[frames[indices] >= SYNC_FRAMES + cfg.moments]
  if cfg.kind == 'talk':
    indices = indices[frames[indices] > SYNC_FRAMES]
  if cfg.kind == 'speech':
    tokens = np.array([len(tokens_of(clips.table['transcript'][i])) for i in indices], np.int64)
    fits = (tokens > 0) & (tokens <= cfg.tokens)
    indices = indices[fits & (frames[indices] <= cfg.windows)]
  if cfg.kind == 'render':
    speakers = clips.table['speaker_index']
    same = {s: indices[speakers[indices] == s] for s in np.unique(speakers[indices])}
    return [(int(i), same[speakers[i]][same[speakers[i]] != i]) for i in indices]
  return [int(i) for i in indices]


def _indices(cfg, split, clips):
  """Clips of a split; those of the sentences held out belong to a split of their own."""
  if not cfg.held_out or split not in ('train', HELD_OUT):
    return np.array(clips.ranges[split], np.int64)
  indices = np.array(clips.ranges['train'], np.int64)
  said = clips.table['sentence'][indices]
  held_out = np.isin(said, list(held_out_sentences(said, cfg.held_out)))
  return indices[held_out == (split == HELD_OUT)]


def _speakers(row, clips) -> tuple[int, ...]:
  """Whose clips an example of this row is made of."""
  if isinstance(row, dict):  # of two emotions, timbres and contents
    used = row['clips'][[0, 1], [0, 1], [0, 1]]
  else:
    used = [row if isinstance(row, int) else row[0]]
  return tuple(int(clips.table['speaker_index'][i]) for i in used)


@dataclasses.dataclass(frozen=True)
class _Sampler(grain.transforms.RandomMap):
  """Row number -> example; -1 -> an example with `mask` = 0."""

  clips: Clips
  features: windows.Features
  cfg: SimpleNamespace
  rows: list

  def random_map(self, element, rng: np.random.Generator):
    row = self.rows[max(element, 0)]
    sample = SAMPLERS[self.cfg.kind](self.clips, self.features, self.cfg, row, rng)
    mask = sample.get('mask', np.float32(1))
    return {**sample, 'mask': mask if element >= 0 else np.zeros_like(mask)}
