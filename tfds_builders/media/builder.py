"""The tfds builder that datasets of media files share: list, work through, split, assemble."""

import abc
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import tensorflow_datasets as tfds

from cemnet_jax import fingerprints
from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import face, smooth
from cemnet_jax.preprocess.clip_record import CROPS
from cemnet_jax.topology import FPS, LABELS, UNKNOWN
from tfds_builders.build import build
from tfds_builders.clip_schema import clip_features
from tfds_builders.media.clips import Outcome, Settings, Task, load_clip, load_outcome
from tfds_builders.media.entry import SPLITS, VIDEO_SUFFIXES, Entry, printable
from tfds_builders.media.run import (
  REPORT,
  check_bad,
  make_tasks,
  process_files,
  process_one,
  write_report,
)
from tfds_builders.media.splits import Clip, speaker_order, split_clips

MODES = ('image', 'video')
SCRATCH = 'work.tmp'  # beside the versions: what was made of each file, until the dataset is built
RECORDED = ('size', 'crop', 'mode', 'smoothing', 'audio_only')  # settings kept in the metadata
MADE_OF = 'made_of'  # in the metadata: what the flags named, as `MediaConfig.made_of` tells it
# Files of a folder that its fingerprint counts.
LISTED = (*VIDEO_SUFFIXES, '.m4a', '.wav', '.mp3', '.flac', '.txt', '.csv', '.json', '.npz')
KEY_STRIDE = 10_000  # clips that one file may become


@dataclasses.dataclass(kw_only=True)
class MediaConfig(tfds.core.BuilderConfig):
  """Where the files are and how they become clips.

  Attributes:
    root: the folder of files; None takes tfds' `--manual_dir`.
    size, crop, mode, smoothing, landmarker, landmarks, audio_only, open_detector: see
      `media.clips.Settings`.
    max_bad: share of files that may be skipped before the build fails.
    processes: files worked on at a time; 0: in this process, which a broken file may crash.
    beam: work and write through Apache Beam, with tfds' `beam_runner` and `beam_options`.
  """
  root: str | None = None
  size: int = 128
  crop: str = 'stable'
  mode: str = 'image'
  smoothing: str = 'none'
  landmarker: str | None = None
  landmarks: str | None = None
  audio_only: bool = False
  max_bad: float = 0.2
  processes: int = 1
  beam: bool = False
  open_detector: Callable | None = None

  def made_of(self, root: Path) -> dict[str, str]:
    """Flag -> fingerprint of the files, folders and selections that it names.

    Of a folder: names and sizes of the media and texts in it.
    """
    given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
    found = {'root': _listing(root)}
    found |= {name: fingerprints.of_file(given[name])
              for name in ('split_file', 'transcripts', 'labels')
              if given.get(name) and Path(given[name]).is_file()}
    found |= {name: _listing(Path(given[name])) for name in ('lists', 'landmarks')
              if given.get(name)}
    found |= {name: ' '.join(given[name]) for name in ('views', 'subsets') if name in given}
    return found

  def settings(self) -> Settings:
    """The part that decides about the records. UserError for a value that is none of its kind."""
    for name, known in (('crop', CROPS), ('mode', MODES), ('smoothing', smooth.METHODS)):
      if getattr(self, name) not in known:
        raise UserError(f'{name} is one of {", ".join(known)}, not {getattr(self, name)!r}')
    detects = not (self.audio_only or self.landmarks or self.open_detector)
    landmarker = str(face.find_landmarker(self.landmarker)) if detects else ''
    return Settings(
      size=self.size, crop=self.crop, mode=self.mode, smoothing=self.smoothing,
      landmarker=landmarker, landmarks=self.landmarks or '', audio_only=self.audio_only,
      open_detector=self.open_detector)


class MediaBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """Files of any rate and size -> clips of 1 to 6 s at 25 fps with 16 kHz sound.

  A file that cannot be used is skipped and named in `report.csv` beside the versions. Subclasses
  say which files there are: `list_files`.
  """

  SPEAKERS_ARE_PEOPLE = True  # whether two names of speakers are two people

  @abc.abstractmethod
  def list_files(self, root: Path) -> tuple[list[Entry], list[tuple[str, str]]]:
    """Entries in a fixed order, and files that cannot be entries with the reason."""

  def _create_builder_config(self, builder_config, version):
    # tfds refuses a known config that also says where the files are and who finds the faces.
    if isinstance(builder_config, MediaConfig):
      return builder_config
    return super()._create_builder_config(builder_config, version)

  def _info(self):
    return tfds.core.DatasetInfo(
      builder=self, features=clip_features(), disable_shuffling=True,
      description=self.__class__.__doc__, citation=getattr(self, 'CITATION', None),
      metadata=tfds.core.MetadataDict())

  @property
  def scratch(self) -> Path:
    """Where the clips of each file are kept until the dataset is complete."""
    return Path(self.data_dir).parent / SCRATCH

  @property
  def report(self) -> Path:
    """The CSV that says of every file what came of it."""
    return Path(self.data_dir).parent / REPORT

  def _split_generators(self, dl_manager):
    config = self.builder_config
    root = Path(config.root or dl_manager.manual_dir)
    entries, self.problems = self.list_files(root)
    self.scratch.mkdir(parents=True, exist_ok=True)
    self.tasks = make_tasks(root, entries, config.settings(), self.scratch)
    self.info.metadata.update(
      {name: getattr(config, name) for name in RECORDED}, fps=FPS, files=len(entries),
      **{MADE_OF: config.made_of(root)},
      speakers_are_people=self.SPEAKERS_ARE_PEOPLE,
      files_without_emotion_label=sum(not e.emotion for e in entries))
    return self._with_beam() if config.beam else self._with_processes()

  def finish(self, outcomes: Sequence[Outcome]) -> None:
    """Reports on every file. UserError when too many cannot be used."""
    write_report(self.report, outcomes, self.problems)
    check_bad(outcomes, self.builder_config.max_bad, self.report)

  def _with_processes(self):
    outcomes = process_files(self.tasks, self.builder_config.processes)
    self.finish(outcomes)
    by_file = {task.entry.file: task for task in self.tasks}
    splits, kept_apart = split_clips([
      Clip(by_file[o.file].entry, o.sha256, start, stop, number, len(o.pieces) == 1)
      for o in outcomes for number, (start, stop) in enumerate(o.pieces)])
    speakers = self._describe_speakers({
      split: [c.entry for c in clips] for split, clips in splits.items()}, kept_apart)
    self.info.metadata['skipped'] = sum(not o.pieces for o in outcomes)
    return {split: self._generate_examples(clips, by_file, speakers)
            for split, clips in splits.items() if clips}

  def _generate_examples(self, clips, by_file, speakers):
    for key, clip in enumerate(clips):
      yield key, _record(clip, Path(by_file[clip.entry.file].kept), speakers)

  def _with_beam(self):
    entries = [task.entry for task in self.tasks]
    if not all(e.split for e in entries):
      raise UserError('Apache Beam needs a split for every file before it is read; '
                      'build without --beam, or give the splits')
    by_split = {s: [e for e in entries if e.split == s] for s in SPLITS}
    speakers = self._describe_speakers(by_split, 'labels')
    return {split: _beam_examples([(i, t) for i, t in enumerate(self.tasks)
                                   if t.entry.split == split], speakers)
            for split, found in by_split.items() if found}

  def _describe_speakers(self, by_split, kept_apart) -> dict[str, int]:
    speakers, train_speakers = speaker_order(by_split)
    apart = sum(len({e.speaker for e in entries}) for entries in by_split.values())
    kept_apart = 'speaker' if apart == len(speakers) else kept_apart
    self.info.metadata.update(speakers=speakers, train_speakers=train_speakers,
                              split_by=kept_apart)
    return {speaker: i for i, speaker in enumerate(speakers)}


def named_config(builder_class: type[MediaBuilder], config_class: type[MediaConfig], name: str,
                 **fields) -> MediaConfig:
  """The builder's own config of that name, or a new one, with the fields that are not None."""
  given = {key: value for key, value in fields.items() if value is not None}
  known = builder_class.builder_configs.get(name)
  if known:
    return dataclasses.replace(known, **given)
  return config_class(name=name, **{'description': f'Clips of {name}.', **given})


def build_media(builder_class: type[MediaBuilder], data_dir, config: MediaConfig,
                report: Callable[[str], None] = print, **settings) -> Path:
  """Builds DATA/<builder>/<config.name>/<version>; what was built before is kept.

  A killed build goes on where it was: finished files are not read again. With Beam the share of
  bad files is known at the end only, and a dataset with too many is not kept.

  Args:
    report: takes one line on what was built.
    **settings: of `build.build`.

  Raises:
    UserError: nothing to build, too many bad files, or a folder that cannot be written.
  """
  _check_same(builder_class(data_dir=str(data_dir), config=config))
  built = {}

  def finish(builder):
    built['builder'] = builder
    if config.beam:
      builder.finish([load_outcome(Path(t.kept)) for t in builder.tasks])

  path = build(builder_class, data_dir, config, report, finish=finish, **settings)
  if built:
    shutil.rmtree(built['builder'].scratch, ignore_errors=True)
  return path


def _listing(folder: Path) -> str:
  """Of the names and sizes of the media and texts below a folder; UserError if there is none."""
  if not folder.is_dir():
    raise UserError(f'{folder}: no such folder')
  return fingerprints.of_value(sorted(
    (path.relative_to(folder).as_posix(), path.stat().st_size) for path in folder.rglob('*')
    if path.suffix.lower() in LISTED and path.is_file()))


def _check_same(builder: MediaBuilder) -> None:
  """UserError when the dataset exists and was made with other settings or of other files."""
  old = Path(builder.data_path) / 'metadata.json'
  if not old.is_file():
    return
  metadata, config = json.loads(old.read_text()), builder.builder_config
  for name in RECORDED:
    if name in metadata and metadata[name] != getattr(config, name):
      raise UserError(
        f'{builder.data_path}: was built with {name} {metadata[name]!r}, not '
        f'{getattr(config, name)!r}; take another --name, or delete that folder')
  if MADE_OF in metadata and config.root:
    made_of = config.made_of(Path(config.root))
    differing = [f'--{name.replace("_", "-")}' for name in sorted({*made_of, *metadata[MADE_OF]})
                 if made_of.get(name) != metadata[MADE_OF].get(name)]
    if differing:
      raise UserError(f'{builder.data_path}: was built from another {", ".join(differing)}; take '
                      'another --name, or delete that folder')


def _record(clip: Clip, kept: Path, speakers: dict[str, int]) -> dict:
  """A clip's media with its labels, as the schema has it."""
  entry = clip.entry
  transcript = entry.transcript if clip.whole else ''
  sentence = (entry.sentence if clip.whole else '') or transcript or clip.id
  return load_clip(kept, clip.number) | {
    'id': clip.id, 'speaker': entry.speaker, 'speaker_index': speakers[entry.speaker],
    'emotion': entry.emotion or LABELS[UNKNOWN], 'intensity': entry.intensity, 'sentence': sentence,
    'transcript': transcript, 'source': printable(entry.file), 'sha256': clip.sha256}


def _examples(numbered: tuple[int, Task], speakers: dict[str, int]) -> Iterator[tuple[int, dict]]:
  """(key, record) of each clip of one file; works on the file unless that was done before."""
  index, task = numbered
  outcome = process_one(task)
  for number, (start, stop) in enumerate(outcome.pieces):
    clip = Clip(task.entry, outcome.sha256, start, stop, number, len(outcome.pieces) == 1)
    yield index * KEY_STRIDE + number, _record(clip, Path(task.kept), speakers)


def _beam_examples(numbered, speakers):
  """A beam.PTransform from nothing to the (key, record) of one split."""
  import apache_beam as beam
  return (beam.Create(numbered) | beam.Reshuffle()  # Create alone is fused with what follows
          | beam.FlatMap(_examples, speakers=speakers))
