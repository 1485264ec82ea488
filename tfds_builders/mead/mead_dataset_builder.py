"""`mead`: MEAD's original tree as a clips dataset; see docs/data.md."""

import dataclasses
from pathlib import Path

import tensorflow_datasets as tfds

from tfds_builders.mead.content import label_content, write_content
from tfds_builders.mead.split import SPLIT_SEED, assign_splits
from tfds_builders.mead.tree import VIEWS, list_mead, list_mead_audio
from tfds_builders.media.builder import MediaBuilder, MediaConfig

CONTENT = 'content.csv'  # beside the versions: which clips say the same, and how sure that is


@dataclasses.dataclass(kw_only=True)
class MeadConfig(MediaConfig):
  """A selection of MEAD.

  Attributes:
    views: cameras, of `tree.VIEWS`.
    split_file: which actors are val and test, see `split.assign_splits`.
    transcripts: CSV of what is said, see `content.label_content`; None groups clips by their sound.
  """
  views: tuple[str, ...] = ('front',)
  split_file: str | None = None
  transcripts: str | None = None


def _config(name, description, **fields):
  return MeadConfig(name=name, description=description, **fields)


class Builder(MediaBuilder):
  """MEAD: 48 actors, eight emotions at three levels, about 30 sentences each (Wang et al. 2020)."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  BUILDER_CONFIGS = [
    _config('front', 'The front camera, crops of 128 px.'),
    _config('front_256', 'The front camera, crops of 256 px.', size=256),
    _config('front_iplap', "The front camera, IP-LAP's crops, for its weights.", crop='iplap'),
    _config('views', 'All seven cameras, crops of 128 px.', views=VIEWS),
    _config('audio_only', 'The sound alone, with or without a video.', audio_only=True)]
  CITATION = """
@inproceedings{kaisiyuan2020mead,
  author = {Wang, Kaisiyuan and Wu, Qianyi and Song, Linsen and Yang, Zhuoqian and Wu, Wayne and
            Qian, Chen and He, Ran and Qiao, Yu and Loy, Chen Change},
  title = {MEAD: A Large-scale Audio-visual Dataset for Emotional Talking-face Generation},
  booktitle = {ECCV},
  year = {2020}
}
"""
  MANUAL_DOWNLOAD_INSTRUCTIONS = """
MEAD is free for research; its licence is on https://wywu.github.io/projects/MEAD/MEAD.html, where
the download is linked. Unpack every actor's video.tar and audio.tar so that there are
ACTOR/video/front/EMOTION/level_K/001.mp4 and ACTOR/audio/EMOTION/level_K/001.m4a, and give the
folder of the actors.
"""

  def list_files(self, root):
    config = self.builder_config
    entries, problems = (
      list_mead_audio(root) if config.audio_only else list_mead(root, config.views))
    entries = assign_splits(entries, config.split_file)
    entries, rows = label_content(root, entries, config.transcripts, processes=config.processes)
    write_content(Path(self.data_dir).parent / CONTENT, rows)
    self.info.metadata['split_seed'] = SPLIT_SEED
    return entries, problems
