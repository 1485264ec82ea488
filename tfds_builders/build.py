"""Builds one tfds dataset, unless it is there, with one line of report."""

import contextlib
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow_datasets as tfds

from cemnet_jax.data.digest import dataset_digest
from cemnet_jax.errors import UserError
from cemnet_jax.files import locked
from tfds_builders.stream import streaming

INCOMPLETE = 'incomplete.'  # how tfds names the folder that it writes into


def build(builder_class: type[tfds.core.GeneratorBasedBuilder], data_dir, config,
          report: Callable[[str], None], finish: Callable | None = None,
          beam: tuple[str | None, list[str]] | None = None,
          stale: Callable[[Path], str] = lambda path: '', **settings) -> Path:
  """Builds `config` of a builder below `data_dir`; tfds writes beside the folder and renames.

  Args:
    builder_class: if it sets `disable_shuffling`, records come in the order of their keys.
    config: a config or its name.
    report: takes one line: what was built and how long it took, or that it was there.
    finish: called with the builder once the dataset is written; if it raises, that is removed.
    beam: name of the Apache Beam runner (None: Beam's own default) and its options.
    stale: what about the dataset that is there makes it useless, '' if it is good; a useless one is
      removed and built anew.
    **settings: further arguments of the builder.

  Returns:
    The dataset's folder.

  Raises:
    UserError: the folder cannot be written.
  """
  start = time.monotonic()
  try:
    Path(data_dir).mkdir(parents=True, exist_ok=True)
    builder = builder_class(data_dir=str(data_dir), config=config, file_format='array_record',
                            **settings)
    readers = settings.get('processes') or getattr(builder.builder_config, 'processes', 1) or 1
    path, label = Path(builder.data_path), f'{builder.name}/{builder.builder_config.name}'
    if (path / 'dataset_info.json').is_file():
      reason = stale(path)
      if not reason:
        dataset_digest(path, readers)
        report(f'{label}: already in {path}')
        return path
      report(f'{label}: {reason}, so it is made anew')
      shutil.rmtree(path)
    if not sys.stderr.isatty():
      tfds.disable_progress_bar()
    writing = streaming() if builder.info.disable_shuffling else contextlib.nullcontext()
    with locked(path.parent), _quiet(), writing, tempfile.TemporaryDirectory() as unused:
      for left in path.parent.glob(f'{INCOMPLETE}*_{path.name}'):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
      builder.download_and_prepare(download_dir=unused, download_config=_beam_config(beam))
      if finish:
        _finish(finish, builder, path)
  except OSError as error:
    raise UserError(f'cannot write datasets to {data_dir} ({error}): choose another folder or free '
                    'space') from error
  dataset_digest(path, readers)
  counts = ', '.join(f'{s.num_examples} {name}' for name, s in builder.info.splits.items())
  report(f'{label}: {counts} in {time.monotonic() - start:.0f} s')
  return path


def _finish(finish, builder, path) -> None:
  try:
    finish(builder)
  except UserError:
    shutil.rmtree(path)
    raise


@contextlib.contextmanager
def _quiet():
  """tfds announces each step on stdout and in the log; `report` says it in one line."""
  level = logging.getLogger('absl').level
  logging.getLogger('absl').setLevel(logging.ERROR)
  try:
    with contextlib.redirect_stdout(None):
      yield
  finally:
    logging.getLogger('absl').setLevel(level)


def _beam_config(beam) -> tfds.download.DownloadConfig | None:
  if beam is None:
    return None
  try:
    from apache_beam.options.pipeline_options import PipelineOptions
  except ImportError as error:
    raise UserError('Apache Beam is not installed: pip install "cemnet_jax[beam]", or build '
                    'without --beam') from error
  runner, options = beam
  return tfds.download.DownloadConfig(beam_runner=runner, beam_options=PipelineOptions(options))
