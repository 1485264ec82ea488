"""Builds the datasets of `cemnet prepare` into a data folder; what is already there is kept."""

from collections.abc import Callable
from pathlib import Path

from cemnet_jax.data.digest import dataset_digest
from cemnet_jax.data.folders import dataset_path, load_records
from cemnet_jax.errors import UserError
from tfds_builders.build import build
from tfds_builders.pairs.pairs_dataset_builder import KINDS
from tfds_builders.pairs.pairs_dataset_builder import Builder as Pairs
from tfds_builders.synth_mead.synth_mead_dataset_builder import Builder as Worlds

SIZES = ('debug', 'quickstart', 'benchmark', 'full')


def prepare_synthetic(data_dir, size: str = 'quickstart', processes: int = 1,
                      report: Callable[[str], None] = print) -> list[Path]:
  """Builds the worlds `lrs_<size>` and `mead_<size>` and the pairs of the latter.

  Args:
    data_dir: folder of all datasets, made where it is absent.
    size: 'debug' (seconds), 'quickstart' (a minute or two), 'benchmark' (half an hour) or
      'full' (hours).
    processes: how many processes draw clips; their number changes no record.
    report: takes one line for each dataset.

  Returns:
    Folders of the datasets.

  Raises:
    UserError: unknown size, or a folder that cannot be written.
  """
  if size not in SIZES:
    raise UserError(f'size {size!r} of the synthetic world is unknown: choose from '
                    f'{", ".join(SIZES)}')
  worlds = [build(Worlds, data_dir, f'{kind}_{size}', report, processes=processes)
            for kind in ('lrs', 'mead')]
  return worlds + build_pairs(data_dir, f'synth_mead/mead_{size}', processes, report)


def build_pairs(data_dir, clips_name: str, processes: int = 1,
                report: Callable[[str], None] = print) -> list[Path]:
  """Builds `aee` and `cross_emotion` pairs over a built clips dataset; returns their folders."""
  digest = dataset_digest(dataset_path(data_dir, clips_name), processes)

  def stale(path):
    pinned = (load_records(path).info.metadata or {}).get('clips_digest')
    return '' if pinned == digest else f'was made for other clips than {clips_name} holds now'

  return [build(Pairs, data_dir, Pairs.config_for(kind, clips_name), report,
                processes=processes, stale=stale) for kind in KINDS]
