"""tfds builder of the synthetic worlds: `lrs_*` and `mead_*` clips in parallel processes."""

import dataclasses
import os

import tensorflow_datasets as tfds

from cemnet_jax.preprocess.synthetic.clip import make_clips
from cemnet_jax.preprocess.synthetic.world import SPLIT_SEED, SPLITS, WORLDS, World
from cemnet_jax.topology import FPS
from tfds_builders.clip_schema import clip_features

_DESCRIPTION = """
Procedurally drawn talking faces with formant speech: a small stand-in for MEAD and LRS2 in which
timbre, content and emotion are separate factors and every landmark is known exactly.
"""
_CITATION = """
@misc{cemnet_jax, title={cemnet_jax: cross-emotion talking faces in JAX}, year={2026}}
"""


@dataclasses.dataclass(kw_only=True)
class WorldConfig(tfds.core.BuilderConfig):
  """One world."""
  world: World


class Builder(tfds.core.GeneratorBasedBuilder):
  """Clips of one synthetic world, as `tfds_builders.clip_schema` describes.

  Args:
    processes: how many draw clips, all cores by default; their number changes no record.
    **settings: of every tfds builder.
  """

  VERSION = tfds.core.Version('2.0.0')
  RELEASE_NOTES = {
    '1.0.0': 'First worlds.',
    '1.1.0': 'Benchmark worlds: more speakers, fewer sentences of each.',
    '2.0.0': 'Faces as varied as real ones, turned heads, beards, glasses, make-up, backgrounds, '
             'cameras; nods, raised brows and settling that follow the speech.'}
  BUILDER_CONFIGS = [
    WorldConfig(name=name, world=world, description=f'World {name}: {world}')
    for name, world in WORLDS.items()]

  def __init__(self, *, processes: int | None = None, **settings):
    self._processes = processes or os.cpu_count() or 1
    super().__init__(**settings)

  def _info(self) -> tfds.core.DatasetInfo:
    world = self.builder_config.world
    metadata = {'speakers': [str(s) for s in world.speaker_indices()],
                'train_speakers': world.speakers[0], 'crop': 'stable', 'size': world.crop,
                'speakers_are_people': True, 'fps': FPS, 'split_seed': SPLIT_SEED,
                'world': dataclasses.asdict(world)}
    return self.dataset_info_from_configs(
      description=_DESCRIPTION, citation=_CITATION, disable_shuffling=True,
      features=clip_features(counterfactual=True),
      metadata=tfds.core.MetadataDict(metadata))

  def _split_generators(self, dl_manager):
    world = self.builder_config.world
    return {s: self._generate_examples(s) for s in SPLITS if world.keys(s)}

  def _generate_examples(self, split: str):
    """Yields (record number, clip) in the order of `World.keys`."""
    world = self.builder_config.world
    yield from enumerate(make_clips(world, world.keys(split), self._processes))
