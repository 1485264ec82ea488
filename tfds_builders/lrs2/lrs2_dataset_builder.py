"""`lrs2`: LRS2's original tree as a clips dataset; see docs/data.md."""

import dataclasses

import tensorflow_datasets as tfds

from tfds_builders.lrs2.tree import list_lrs2
from tfds_builders.media.builder import MediaBuilder, MediaConfig


@dataclasses.dataclass(kw_only=True)
class Lrs2Config(MediaConfig):
  """A selection of LRS2.

  Attributes:
    subsets: of 'main' and 'pretrain'.
    lists: folder of the split lists where they are not beside the clips.
  """
  subsets: tuple[str, ...] = ('main',)
  lists: str | None = None


def _config(name, description, **fields):
  return Lrs2Config(name=name, description=description, **fields)


class Builder(MediaBuilder):
  """LRS2: clips of BBC television with transcripts, of emotions nobody labelled (Afouras 2018)."""

  VERSION = tfds.core.Version('1.1.0')
  RELEASE_NOTES = {'1.0.0': 'First version.',
                   '1.1.0': 'Emotions are `unknown`, no longer `neutral`; all else is as before.'}
  SPEAKERS_ARE_PEOPLE = False  # they are IDs of stretches of programmes, see `tree.list_lrs2`
  BUILDER_CONFIGS = [
    _config('main', 'The subset main, which the paper trains on, crops of 128 px.'),
    _config('main_256', 'The subset main, crops of 256 px.', size=256),
    _config('main_iplap', "The subset main, IP-LAP's crops, for its weights.", crop='iplap'),
    _config('full', 'The subsets main and pretrain, crops of 128 px.',
            subsets=('main', 'pretrain'))]
  CITATION = """
@article{afouras2018deep,
  author = {Afouras, Triantafyllos and Chung, Joon Son and Senior, Andrew and Vinyals, Oriol and
            Zisserman, Andrew},
  title = {Deep Audio-Visual Speech Recognition},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  year = {2018}
}
"""
  MANUAL_DOWNLOAD_INSTRUCTIONS = """
LRS2 is given to researchers who sign the BBC's agreement, see
https://www.robots.ox.ac.uk/~vgg/data/lip_reading/lrs2.html. Unpack it so that there are
mvlrs_v1/main/ID/00001.mp4 and .txt, put train.txt, val.txt and test.txt beside mvlrs_v1, and give
the folder that holds it.
"""

  def list_files(self, root):
    return list_lrs2(root, self.builder_config.subsets, self.builder_config.lists)
