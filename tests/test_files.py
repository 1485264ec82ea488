"""Files appear whole or not at all; a folder belongs to one run; no account is too bare."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cemnet_jax import files
from cemnet_jax.errors import UserError

HELD = '''
import sys, time
from cemnet_jax import files
with files.{what}(sys.argv[1]) as it:
  if it: it.write_text('half')
  print('ready', flush=True)
  time.sleep(60)
'''


@pytest.fixture
def holding(tmp_path):
  """Starts a process that is in the middle of `what`, and ends it however the test wants."""
  started = []

  def start(what, path):
    child = subprocess.Popen([sys.executable, '-c', HELD.format(what=what), str(path)],
                             stdout=subprocess.PIPE, text=True)
    started.append(child)
    assert child.stdout.readline() == 'ready\n'
    return child
  yield start
  for child in started:
    child.kill()
    child.wait()
    child.stdout.close()


def test_a_file_appears_whole(tmp_path):
  path = tmp_path / 'new' / 'a.txt'
  with files.whole(path) as beside:
    beside.write_text('all of it')
    assert not path.exists() and beside.parent == path.parent
  assert path.read_text() == 'all of it' and list(path.parent.iterdir()) == [path]
  plain = tmp_path / 'plain'
  plain.touch()
  assert path.stat().st_mode == plain.stat().st_mode
  with pytest.raises(RuntimeError), files.whole(path) as beside:
    beside.write_text('half')
    raise RuntimeError('in the middle')
  assert path.read_text() == 'all of it' and list(path.parent.iterdir()) == [path]


def test_two_writers_at_a_time_have_files_of_their_own(tmp_path):
  with files.whole(tmp_path / 'a') as one, files.whole(tmp_path / 'a') as other:
    assert one != other
    one.write_text('one')
    other.write_text('other')
  assert (tmp_path / 'a').read_text() == 'one' and len(list(tmp_path.iterdir())) == 1


def test_a_link_stays_a_link(tmp_path):
  (tmp_path / 'there').mkdir()
  (tmp_path / 'link').symlink_to(tmp_path / 'there' / 'target')
  files.write_text(tmp_path / 'link', 'text')  # the first write makes the target
  files.write_text(tmp_path / 'link', 'more')
  assert (tmp_path / 'link').is_symlink()
  assert (tmp_path / 'there' / 'target').read_text() == 'more'


def test_a_pipe_is_written_through(tmp_path):
  os.mkfifo(tmp_path / 'pipe')
  got = []
  reader = threading.Thread(target=lambda: got.append((tmp_path / 'pipe').read_text()))
  reader.start()
  files.write_text(tmp_path / 'pipe', 'through')
  reader.join(10)
  assert got == ['through'] and not (tmp_path / 'pipe').is_file()


def test_a_device_stays_a_device():
  before = os.stat('/dev/null')
  files.check_writable('/dev/null')
  files.write_text('/dev/null', 'gone')
  assert os.stat('/dev/null').st_rdev == before.st_rdev and not Path('/dev/null').is_file()


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path, holding):
  killed, living = holding('whole', tmp_path / 'a'), holding('whole', tmp_path / 'b')
  assert len(list(tmp_path.iterdir())) == 2
  killed.send_signal(signal.SIGKILL)
  killed.wait()
  files._remove_left.cache_clear()
  files.write_text(tmp_path / 'c', 'next')
  left = {p.name for p in tmp_path.iterdir()} - {'c'}
  assert len(left) == 1 and living.poll() is None
  living.kill()
  living.wait()
  files._remove_left.cache_clear()
  files.write_text(tmp_path / 'c', 'next')
  assert [p.name for p in tmp_path.iterdir()] == ['c']


def test_a_folder_belongs_to_one_run_until_that_ends(tmp_path, holding):
  other = holding('locked', tmp_path / 'work')
  with pytest.raises(UserError, match=rf'work: process {other.pid} on .* works in this folder'):
    with files.locked(tmp_path / 'work'):
      pytest.fail('two runs in one folder')
  other.send_signal(signal.SIGKILL)
  other.wait()
  with files.locked(tmp_path / 'work'):
    pass
  with files.locked(tmp_path / 'work'):
    pass


@pytest.mark.parametrize('name', ['', '.', '..', 'dir', 'new/', '/'])
def test_a_folder_is_no_file_to_write(tmp_path, monkeypatch, name):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'dir').mkdir()
  with pytest.raises(UserError, match='cannot be written .it names a folder, no file'):
    files.check_writable(name)


def test_an_input_is_not_written_over(tmp_path):
  (tmp_path / 'face.png').write_text('picture')
  (tmp_path / 'link').symlink_to('face.png')
  os.link(tmp_path / 'face.png', tmp_path / 'same.png')
  for out in ('face.png', 'link', 'same.png', '../' + tmp_path.name + '/face.png'):
    with pytest.raises(UserError, match='is an input'):
      files.check_writable(tmp_path / out, [tmp_path / 'other', tmp_path / 'face.png'])
  files.check_writable(tmp_path / 'talk.mp4', [tmp_path / 'face.png'])
  assert {p.name for p in tmp_path.iterdir()} == {'face.png', 'link', 'same.png'}


@pytest.mark.parametrize('name', ['a:b', 'caf\udce9', 'a' * 255, '-x', '%d', ' '])
def test_any_name_can_be_written(tmp_path, name):
  files.check_writable(tmp_path / name)
  files.write_text(tmp_path / name, f'{name} it is')
  assert [p.name for p in tmp_path.iterdir()] == [name]


def test_an_account_without_a_home_has_a_cache(tmp_path, monkeypatch):
  for variable in ('CEMNET_CACHE', 'XDG_CACHE_HOME'):
    monkeypatch.delenv(variable, raising=False)
  monkeypatch.setattr(Path, 'home', lambda: (_ for _ in ()).throw(RuntimeError('no home')))
  monkeypatch.setattr(files.tempfile, 'tempdir', str(tmp_path))
  cache = files.cache_dir()
  assert cache.parent == tmp_path and cache.stat().st_mode & 0o777 == 0o700
  cache.rmdir()
  cache.symlink_to(tmp_path)
  with pytest.raises(UserError, match='belongs to another user'):
    files.cache_dir()
