"""Works through the files of a dataset in guarded processes and reports on every one."""

import csv
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from cemnet_jax.errors import UserError
from cemnet_jax.files import whole
from cemnet_jax.preprocess.guarded import Failed, Guard, guarded_map
from tfds_builders.media.clips import (
  Outcome,
  Settings,
  Task,
  keep_failure,
  kept_path,
  load_outcome,
  process_file,
)
from tfds_builders.media.entry import Entry

REPORT = 'report.csv'
_threads = threading.local()  # one guarded process for each thread that works on files


def make_tasks(root, entries: Iterable[Entry], settings: Settings, scratch) -> list[Task]:
  """One task for each entry, in their order."""
  return [Task(str(root), e, settings, str(kept_path(scratch, root, e, settings)))
          for e in entries]


def process_files(tasks: Sequence[Task], processes: int) -> list[Outcome]:
  """Outcomes in the order of the tasks; files finished by an earlier call are not read again.

  `processes` 0 works in this process: a file that crashes the decoder then ends it.
  """
  done = {i: load_outcome(Path(t.kept)) for i, t in enumerate(tasks) if Path(t.kept).is_file()}
  left = [i for i in range(len(tasks)) if i not in done]
  bad = sum(not o.pieces for o in done.values())
  with tqdm(total=len(tasks), initial=len(done), desc='files', unit='file', disable=None,
            smoothing=0.02) as bar:
    for number, result in guarded_map(process_file, [tasks[i] for i in left], processes):
      outcome = done[left[number]] = _settled(tasks[left[number]], result)
      bad += not outcome.pieces
      bar.set_postfix(skipped=bad, refresh=False)
      bar.update()
  return [done[i] for i in range(len(tasks))]


def process_one(task: Task) -> Outcome:
  """`process_files` of one file, for callers that are processes of a pool themselves (Beam's)."""
  if not hasattr(_threads, 'guard'):
    _threads.guard = Guard(process_file)
  return _settled(task, _threads.guard(task))


def _settled(task: Task, result: Outcome | Failed) -> Outcome:
  return keep_failure(task, result.reason) if isinstance(result, Failed) else result


def write_report(path, outcomes: Iterable[Outcome], problems: Iterable[tuple[str, str]] = ()
                 ) -> None:
  """CSV with one row per file: file, clips, seconds, reason it (or part of it) was skipped."""
  rows = [(o.file, len(o.pieces), f'{o.seconds:.2f}', o.reason) for o in outcomes]
  rows += [(file, 0, '0.00', reason) for file, reason in problems]
  # A name that is not UTF-8 keeps its bytes, so that the row still names the file.
  with whole(path) as beside, beside.open('w', newline='', encoding='utf-8',
                                          errors='surrogateescape') as out:
    writer = csv.writer(out)
    writer.writerow(['file', 'clips', 'seconds', 'reason'])
    writer.writerows(sorted(rows))


def check_bad(outcomes: Sequence[Outcome], limit: float, report: Path) -> None:
  """UserError when more than the share `limit` of the files cannot be used."""
  bad = [o for o in outcomes if not o.pieces]
  if len(bad) > limit * len(outcomes):
    raise UserError(f'{len(bad)} of {len(outcomes)} files cannot be used, first {bad[0].file} '
                    f'({bad[0].reason}); see {report}, then mend them or raise --max-bad')
