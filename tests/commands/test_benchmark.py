"""`cemnet benchmark`: which systems are trained with which seeds, and what they share."""

import pytest

from cemnet_jax import train_system as trainer
from cemnet_jax.cli import main
from cemnet_jax.commands import benchmark
from cemnet_jax.systems import SYSTEMS


def test_bad_numbers_are_one_line(capsys, tmp_path):
  assert main(['benchmark', '--out', str(tmp_path / 'out'), '--seeds', '0']) == 2
  assert capsys.readouterr().err == (
    'cemnet: error: argument --seeds: 0: at least 1 is needed; see cemnet benchmark --help\n')
  assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('again', [False, True])
def test_every_seed_is_trained_but_the_renderer_is_shared(tmp_path, monkeypatch, again):
  trained = []
  monkeypatch.setattr(trainer, 'train_system', lambda *args: trained.append(args))
  folders = [tmp_path / f'seed_{seed}' for seed in (0, 1)]
  for folder in folders * (1 + again):
    benchmark._train(folder, folders[0], 'data', 'debug', folders.index(folder))
  by_seed = {folder: {system: changes for system, size, data, where, changes in trained
                      if where == folder} for folder in folders}
  assert set(by_seed[folders[0]]) == {*benchmark.FULL, *benchmark.ONCE}
  assert set(by_seed[folders[0]].values()) == {()}
  assert set(by_seed[folders[1]]) == set(benchmark.FULL)
  assert set(by_seed[folders[1]]['cemnet']) == {
    f'{stage}.seed=1' for stage in SYSTEMS['cemnet'] if stage not in benchmark.SHARED}
  for stage in benchmark.SHARED:
    (folders[0] / stage).mkdir(parents=True, exist_ok=True)
    assert (folders[1] / stage).resolve() == (folders[0] / stage).resolve()


def test_what_an_earlier_version_trained_with_a_seed_stays(tmp_path, monkeypatch):
  monkeypatch.setattr(trainer, 'train_system', lambda *args: None)
  trained = tmp_path / 'seed_1/image_emotion/done.json'
  trained.parent.mkdir(parents=True)
  trained.write_text('{}')
  benchmark._train(tmp_path / 'seed_1', tmp_path / 'seed_0', 'data', 'debug', 1)
  assert trained.is_file() and not trained.parent.is_symlink()
  assert (tmp_path / 'seed_1/renderer').is_symlink()


def test_what_a_shared_stage_learned_from_is_shared():
  needs = {need for nodes in SYSTEMS.values() for stage, node in nodes.items()
           if stage in benchmark.SHARED for need in node.needs}
  assert needs and needs <= set(benchmark.SHARED)
