"""`clip_folder`: any folder of talking videos as a clips dataset (DESIGN 4)."""

import dataclasses
import functools
import shutil
from itertools import islice
from pathlib import Path

import tensorflow_datasets as tfds

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import face, video
from cemnet_jax.preprocess.audio import to_wav16
from cemnet_jax.preprocess.clip_record import CROPS, make_record
from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME
from tfds_builders.clip_folder.analysis import Analysis, analyse_files, load_landmarks, write_report
from tfds_builders.clip_folder.listing import Entry, list_entries
from tfds_builders.clip_folder.splits import Clip, speaker_order, split_clips
from tfds_builders.clip_schema import clip_features


@dataclasses.dataclass(kw_only=True)
class FolderConfig(tfds.core.BuilderConfig):
  """One folder of videos; `name` is the dataset's name.

  Attributes:
    root: the folder; None takes tfds' `--manual_dir`.
    labels: CSV with columns file,speaker and maybe emotion,intensity,transcript,split.
    size: side of the crops in px.
    crop: 'stable' or 'iplap'.
    landmarker: face_landmarker.task; None finds or downloads it.
    max_bad: share of files that may be skipped before the build fails.
    processes: videos searched for faces at a time.
    open_detector: replaces MediaPipe, see `analysis.analyse_files`.
  """
  root: str | None = None
  labels: str | None = None
  size: int = 128
  crop: str = 'stable'
  landmarker: str | None = None
  max_bad: float = 0.2
  processes: int = 1
  open_detector: object = None


class Builder(tfds.core.GeneratorBasedBuilder):
  """Videos of any rate and size -> clips of 1 to 6 s at 25 fps with 16 kHz sound.

  A file that cannot be used is skipped and named in `report.csv` beside the versions.
  """

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First version.'}
  BUILDER_CONFIGS = [FolderConfig(name='default', description='The folder of --manual_dir.')]
  MANUAL_DOWNLOAD_INSTRUCTIONS = 'A folder of talking videos: speaker/[emotion/]clip.mp4'

  def _info(self):
    return tfds.core.DatasetInfo(
      builder=self, features=clip_features(), disable_shuffling=True,
      description='Talking clips of a folder, cropped to the face.',
      metadata=tfds.core.MetadataDict())

  def _split_generators(self, dl_manager):
    config = self.builder_config
    if config.crop not in CROPS:
      raise UserError(f'crop is one of {", ".join(CROPS)}, not {config.crop!r}')
    root = Path(config.root or dl_manager.manual_dir)
    entries = {e.file: e for e in list_entries(root, config.labels)}
    beside = Path(self.data_dir).parent
    scratch = beside / 'landmarks.tmp'
    scratch.mkdir(parents=True, exist_ok=True)
    detector = config.open_detector or functools.partial(
      face.landmarker, str(face.find_landmarker(config.landmarker)))
    analyses = analyse_files(root, entries, scratch, detector, config.processes)
    write_report(beside / 'report.csv', analyses)
    _check_bad(analyses, config.max_bad, beside / 'report.csv')
    splits, kept_apart = split_clips([
      Clip(entries[a.file], a.sha256, start, stop, len(a.pieces) == 1)
      for a in analyses for start, stop in a.pieces])
    speakers, train_speakers = speaker_order(splits)
    unlabelled = sum(not c.entry.emotion for clips in splits.values() for c in clips)
    self.info.metadata.update(
      speakers=speakers, train_speakers=train_speakers, crop=config.crop, size=config.size,
      fps=FPS, split_by=kept_apart, files=len(analyses),
      skipped=sum(not a.pieces for a in analyses), clips_without_emotion_label=unlabelled)
    by_file = {a.file: a for a in analyses}
    order = {s: i for i, s in enumerate(speakers)}
    return {name: self._generate_examples(root, scratch, clips, by_file, order)
            for name, clips in splits.items()}

  def _generate_examples(self, root, scratch, clips, analyses, speakers):
    """Records in the order of files; each file is decoded once per split."""
    by_file: dict[str, list[Clip]] = {}
    for clip in clips:
      by_file.setdefault(clip.entry.file, []).append(clip)
    key = 0
    for file, pieces in by_file.items():
      path = root / file
      landmarks = load_landmarks(scratch, analyses[file])
      audio = to_wav16(video.read_audio(path, like_video=True))
      frames, at = video.iterate_frames(path), 0
      for clip in pieces:
        picked = islice(frames, clip.start - at, clip.stop - at)
        at = clip.stop
        yield key, make_record(
          picked, landmarks[clip.start:clip.stop],
          audio[clip.start * SAMPLES_PER_FRAME:clip.stop * SAMPLES_PER_FRAME],
          size=self.builder_config.size, crop=self.builder_config.crop,
          speaker_index=speakers[clip.entry.speaker], **_labels(clip))
        key += 1


def build_folder(data_dir, config: FolderConfig) -> Path:
  """Builds DATA/clip_folder/<config.name>/<version>; returns its folder.

  UserError when there is nothing to build or too many files are bad; an existing complete dataset
  is kept as it is.
  """
  builder = Builder(data_dir=str(data_dir), config=config, file_format='array_record')
  builder.download_and_prepare()
  shutil.rmtree(Path(builder.data_dir).parent / 'landmarks.tmp', ignore_errors=True)
  return Path(builder.data_dir)


def _labels(clip: Clip) -> dict:
  entry: Entry = clip.entry
  transcript = entry.transcript if clip.whole else ''
  return {'id': clip.id, 'speaker': entry.speaker, 'emotion': entry.emotion or 'neutral',
          'intensity': entry.intensity, 'sentence': transcript or clip.id,
          'transcript': transcript, 'source': entry.file, 'sha256': clip.sha256}


def _check_bad(analyses: list[Analysis], limit: float, report: Path) -> None:
  bad = [a for a in analyses if not a.pieces]
  if len(bad) > limit * len(analyses):
    raise UserError(f'{len(bad)} of {len(analyses)} files cannot be used, first {bad[0].file} '
                    f'({bad[0].reason}); see {report}, then mend them or raise --max-bad')
