"""`clip_folder`: any folder of talking videos as a clips dataset (DESIGN 4)."""

import dataclasses

import tensorflow_datasets as tfds

from tfds_builders.clip_folder.listing import list_entries
from tfds_builders.media.builder import MediaBuilder, MediaConfig


@dataclasses.dataclass(kw_only=True)
class FolderConfig(MediaConfig):
  """One folder of videos; `name` is the dataset's name.

  Attributes:
    labels: CSV with columns file,speaker and maybe emotion,intensity,transcript,split.
  """
  labels: str | None = None


class Builder(MediaBuilder):
  """Talking clips of a folder of videos, cropped to the face."""

  VERSION = tfds.core.Version('1.2.0')
  RELEASE_NOTES = {
    '1.0.0': 'First version.',
    '1.1.0': 'Metadata name how landmarks were found; the records are as before.',
    '1.2.0': 'Emotions without a label are `unknown`, no longer `neutral`; all else is as before.'}
  BUILDER_CONFIGS = [FolderConfig(name='default', description='The folder of --manual_dir.')]
  MANUAL_DOWNLOAD_INSTRUCTIONS = 'A folder of talking videos: speaker/[emotion/]clip.mp4'

  def list_files(self, root):
    return list_entries(root, self.builder_config.labels), []
