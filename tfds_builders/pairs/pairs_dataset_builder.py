"""tfds builder of pairs: rows of indices into one built clips dataset, which it pins."""

import dataclasses
import functools
import itertools
import os

import numpy as np
import tensorflow_datasets as tfds

from cemnet_jax.data.digest import dataset_digest
from cemnet_jax.data.folders import emotion_reader
from cemnet_jax.preprocess.pairing import (
  PAIR_SEED,
  aee_rows,
  alignment_paths,
  cross_emotion_rows,
)
from cemnet_jax.preprocess.parallel import ordered_map
from cemnet_jax.preprocess.synthetic.world import WORLDS
from cemnet_jax.topology import SAMPLES_PER_FRAME
from tfds_builders.clip_schema import SPLITS

KINDS = ('aee', 'cross_emotion')
CLIPS_PER_TASK = 16
_DESCRIPTION = """
Rows of global clip indices (splits in the order train, val, test, test_sentence). `aee`: two
speakers x two emotions x two contents with DTW paths; `cross_emotion`: a driving clip and a
reference clip of the same speaker that shows another emotion (or the same).
"""


@dataclasses.dataclass(kw_only=True)
class PairsConfig(tfds.core.BuilderConfig):
  """Pairs of `kind` over the clips dataset `clips`, say `synth_mead/mead_full`."""
  kind: str
  clips: str


def _config(kind, clips):
  name = f'{kind}-{clips.replace("/", "-")}'
  return PairsConfig(name=name, kind=kind, clips=clips, description=f'{kind} pairs of {clips}')


class Builder(tfds.core.GeneratorBasedBuilder):
  """`aee` and `cross_emotion` rows over clips that are already built.

  Args:
    processes: how many align clips, all cores by default; their number changes no record.
    **settings: of every tfds builder.
  """

  VERSION = tfds.core.Version('1.2.0')
  RELEASE_NOTES = {'1.0.0': 'First rows.', '1.1.0': 'aee: one intensity for each emotion of a row.',
                   '1.2.0': 'Metadata pin the content of the clips; the rows are as before.'}
  BUILDER_CONFIGS = [_config(kind, f'synth_mead/{name}')
                     for name, world in WORLDS.items() if world.kind == 'mead' for kind in KINDS]

  def __init__(self, *, processes: int | None = None, **settings):
    self._processes = processes or os.cpu_count() or 1
    super().__init__(**settings)

  @classmethod
  def config_for(cls, kind: str, clips: str) -> PairsConfig:
    """The config of pairs over any clips dataset below the same data folder."""
    config = _config(kind, clips)
    return cls.builder_configs.get(config.name, config)

  def _info(self) -> tfds.core.DatasetInfo:
    config = self.builder_config
    clips = _Clips(self._data_dir_root, config.clips, self._processes)
    metadata = {'clips': config.clips, 'clips_version': clips.version,
                'clips_digest': clips.digest,
                'record_counts': {s: len(r) for s, r in clips.ranges.items()},
                'pair_seed': PAIR_SEED}
    return self.dataset_info_from_configs(
      description=_DESCRIPTION, features=_features(config.kind), disable_shuffling=True,
      metadata=tfds.core.MetadataDict(metadata))

  def _split_generators(self, dl_manager):
    clips = _Clips(self._data_dir_root, self.builder_config.clips)
    rows = {split: self._rows(clips, split) for split in SPLITS}
    firsts = {split: next(made, None) for split, made in rows.items()}  # tfds wants no empty split
    return {split: self._generate_examples(itertools.chain([first], rows[split]))
            for split, first in firsts.items() if first is not None}

  def _generate_examples(self, rows):
    """Yields (row number, row)."""
    yield from enumerate(rows)

  def _rows(self, clips, split):
    indices = clips.ranges[split]
    if self.builder_config.kind == 'aee':
      return aee_rows(clips.table, indices, clips.train_speakers,
                      functools.partial(_align, clips, self._processes))
    references = clips.ranges['train'] if split == 'test_sentence' else indices
    return cross_emotion_rows(clips.table, indices, references)


def _align(clips, processes, groups):
  """DTW paths of {canonical clip: clips}, in parallel."""
  chunks = [(canonical, members[i:i + CLIPS_PER_TASK]) for canonical, members in groups.items()
            for i in range(0, len(members), CLIPS_PER_TASK)]
  tasks = ((clips.audio(canonical), [clips.audio(i) for i in members])
           for canonical, members in chunks)
  found = ordered_map(alignment_paths, tasks, min(processes, len(chunks)))
  return {i: path for (_, members), paths in zip(chunks, found, strict=True)
          for i, path in zip(members, paths, strict=True)}


def _features(kind):
  number = tfds.features.Scalar(np.int32)
  if kind == 'cross_emotion':
    return tfds.features.FeaturesDict({
      'driving': number, 'reference': number, 'driving_emotion': number,
      'reference_emotion': number})
  return tfds.features.FeaturesDict({
    'clips': tfds.features.Tensor(shape=(2, 2, 2), dtype=np.int32,
                                  doc='[emotion, timbre, content]; -1 where missing'),
    'canonical': tfds.features.Tensor(shape=(2,), dtype=np.int32, doc='time axis of each content'),
    'paths': tfds.features.Tensor(shape=(None, 2), dtype=np.int16, encoding='bytes',
                                  doc='DTW paths (canonical, clip) in MFCC frames, joined'),
    'path_lengths': tfds.features.Tensor(shape=(8,), dtype=np.int32)})


class _Clips:
  """What pairing needs of a built clips dataset."""

  def __init__(self, data_dir, name, processes=1):
    builder = tfds.core.read_only_builder.builder_from_files(name, data_dir=data_dir)
    self.digest = dataset_digest(builder.data_path, processes)
    self.version = str(builder.version)
    self.train_speakers = int(builder.info.metadata['train_speakers'])
    self._emotions = emotion_reader(builder.info)
    self._sources, self.ranges = [], {}
    start = 0
    for split in SPLITS:
      source = builder.as_data_source(split) if split in builder.info.splits else ()
      self._sources.append((start, source))
      self.ranges[split] = range(start, start + len(source))
      start += len(source)

  @functools.cached_property
  def table(self):
    columns = {k: [] for k in ('speaker', 'speaker_index', 'emotion', 'intensity', 'sentence')}
    columns['num_frames'] = []
    for _, source in self._sources:
      for record in map(source.__getitem__, range(len(source))):
        for name in columns.keys() - {'num_frames'}:
          value = record[name]
          columns[name].append(value.decode() if isinstance(value, bytes) else value)
        columns['num_frames'].append(len(record['audio']) // SAMPLES_PER_FRAME)
    table = {name: np.array(values) for name, values in columns.items()}
    return table | {'emotion': self._emotions(table['emotion'], table['intensity'])}

  def audio(self, index):
    """Samples of a clip by its global index."""
    start, source = next((s, r) for s, r in reversed(self._sources) if s <= index)
    return source[index - start]['audio']
