"""Files that appear whole or not at all, folders in which one run works at a time, the cache."""

import contextlib
import errno
import fcntl
import functools
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from cemnet_jax.errors import UserError

PREFIX = '.cemnet-'  # of files that are not whole yet; a running process holds a lock on each
LOCK = '.lock'  # the file in a folder that the run in it holds a lock on
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)  # file systems without


@contextlib.contextmanager
def whole(path, suffix: str = '') -> Iterator[Path]:
  """A temporary file beside `path` to write into, which takes its place at the end.

  On an error it is removed and `path` stays as it was. What a killed process left in the folder is
  removed before. A symbolic link stays one: the file that it points to is written. A device or a
  pipe is given the bytes.

  Args:
    path: what shall be written.
    suffix: of the temporary name, for writers that go by it.

  Raises:
    OSError: the folder or the file cannot be written.
  """
  target = Path(os.path.realpath(path))
  through = _is_through(target)
  folder = Path(tempfile.gettempdir()) if through else target.parent
  folder.mkdir(parents=True, exist_ok=True)
  _remove_left(folder, os.getpid())
  temporary, descriptor = _new(folder, suffix)
  try:
    yield temporary
    if through:
      with temporary.open('rb') as made, target.open('wb') as device:
        shutil.copyfileobj(made, device)
    else:
      os.replace(temporary, target)
  finally:
    temporary.unlink(missing_ok=True)
    os.close(descriptor)


@contextlib.contextmanager
def whole_folder(folder) -> Iterator[Path]:
  """An empty folder to write into, which becomes the new `folder` at the end and goes on an error.

  Raises:
    OSError: it cannot be made.
  """
  folder = Path(folder)
  folder.parent.mkdir(parents=True, exist_ok=True)
  _remove_left(folder.parent.resolve(), os.getpid())
  beside = folder.with_name(PREFIX + secrets.token_hex(8))
  beside.mkdir()
  descriptor = os.open(beside, os.O_RDONLY | os.O_CLOEXEC)
  try:
    _lock(descriptor)
    yield beside
    beside.rename(folder)
  finally:
    shutil.rmtree(beside, ignore_errors=True)
    os.close(descriptor)


def write_text(path, text: str) -> None:
  """Writes UTF-8 as a whole or not at all; bytes of file names that are not UTF-8 are escaped."""
  with whole(path) as beside:
    beside.write_text(text, encoding='utf-8', errors='backslashreplace')


def check_writable(path, inputs: Iterable = ()) -> Path:
  """Makes the folder of an output file and proves that the file can be written.

  Raises:
    UserError: `path` names no file or is one of `inputs`, or nothing can be written there.
  """
  text, path = os.fspath(path), Path(path)
  if not text or text.endswith(os.sep) or path.is_dir() or path.name in ('', '.', '..'):
    raise UserError(f'{text!r}: cannot be written (it names a folder, no file); choose another '
                    '--out')
  for given in filter(None, inputs):
    if path.exists() and os.path.exists(given) and os.path.samefile(path, given):
      raise UserError(f'{path}: is an input ({given}), which would be lost; choose another --out')
  try:
    target = Path(os.path.realpath(path))
    if _is_through(target):
      target.open('wb').close()
      return path
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary, descriptor = _new(target.parent, '')
    temporary.unlink()
    os.close(descriptor)
  except OSError as error:
    raise unwritable(path, error) from error
  return path


def unwritable(path, error: OSError) -> UserError:
  """The one line for a file that cannot be written."""
  reason = error.strerror or error
  return UserError(f'{path}: cannot be written ({reason}); choose another --out')


@contextlib.contextmanager
def locked(folder) -> Iterator[None]:
  """Only one process at a time works in `folder`; however that ends, its lock ends with it.

  Raises:
    UserError: another process holds it, or the folder cannot be written.
  """
  path = Path(folder) / LOCK
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
  except OSError as error:
    raise UserError(f'{folder}: cannot write here ({error.strerror}); choose another folder'
                    ) from error
  try:
    if not _lock(descriptor):
      who = os.pread(descriptor, 100, 0).decode(errors='replace') or 'another process'
      raise UserError(f'{folder}: {who} works in this folder; wait for its end, or take another '
                      'folder')
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f'process {os.getpid()} on {os.uname().nodename}'.encode(), 0)
    yield
  finally:
    os.close(descriptor)


def cache_dir() -> Path:
  """$CEMNET_CACHE, else cemnet_jax in the user's cache; of an account without a home, in TMPDIR."""
  given, user = os.environ.get('CEMNET_CACHE'), os.environ.get('XDG_CACHE_HOME')
  if given or user:
    return Path(given) if given else Path(user) / 'cemnet_jax'
  try:
    return Path.home() / '.cache' / 'cemnet_jax'
  except RuntimeError:  # neither $HOME nor an entry of this user among the accounts
    return _own_folder(Path(tempfile.gettempdir()) / f'cemnet_jax-{os.getuid()}')


def _own_folder(folder: Path) -> Path:
  """The folder, made for this user alone; others can write beside it, so it may not be theirs."""
  folder.mkdir(mode=0o700, exist_ok=True)
  if folder.is_symlink() or folder.stat().st_uid != os.getuid():
    raise UserError(f'{folder}: belongs to another user; name a folder of your own in CEMNET_CACHE')
  return folder


def _is_through(target: Path) -> bool:
  """Whether it takes bytes and is no file: a character device or a pipe.

  Raises:
    OSError: it is a disk or a socket, which nobody means.
  """
  try:
    kind = target.stat().st_mode
  except OSError:
    return False
  if stat.S_ISBLK(kind) or stat.S_ISSOCK(kind):
    raise OSError(errno.EINVAL, 'it is a disk or a socket')
  return stat.S_ISCHR(kind) or stat.S_ISFIFO(kind)


def _new(folder: Path, suffix: str) -> tuple[Path, int]:
  """A new file, with the rights of any new file, and the descriptor that holds its lock."""
  while True:
    path = folder / f'{PREFIX}{secrets.token_hex(8)}{suffix}'
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    if _lock(descriptor) and path.exists():
      return path, descriptor
    os.close(descriptor)  # another process took it for left in the moment before it was locked


@functools.lru_cache(maxsize=256)
def _remove_left(folder: Path, process: int) -> None:
  """Removes files of processes that are no more, once for each folder and process."""
  for entry in os.scandir(folder):
    if not entry.name.startswith(PREFIX):
      continue
    folder = entry.is_dir(follow_symlinks=False)
    how = os.O_RDONLY | os.O_DIRECTORY if folder else os.O_RDWR
    with contextlib.suppress(OSError):  # another user's, or another process was faster
      descriptor = os.open(entry.path, how | os.O_CLOEXEC | os.O_NOFOLLOW)
      try:
        if _lock(descriptor, without=False):
          shutil.rmtree(entry.path) if folder else os.unlink(entry.path)
      finally:
        os.close(descriptor)


def _lock(descriptor: int, without: bool = True) -> bool:
  """Whether this process holds the file's lock now; `without` where there are no locks."""
  try:
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except OSError as error:
    if error.errno in _NO_LOCKS:
      return without
    if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
      return False
    raise
  return True
