"""Where the time of a compiled step goes, by kind of operation, from XLA's trace of it on a CPU."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

KINDS = ('convolutions', 'products', 'transposes', 'reductions', 'elementwise and copies', 'rest')
# What the name of an instruction holds; the first that fits counts.
_NAMED = (('transpose', 'transposes'), ('reduce', 'reductions'), ('conv', 'convolutions'),
          ('dot', 'products'))
_INSTRUCTION = re.compile(r'\s*(?:ROOT )?%?([\w.\-]+) = ')


def shares(hlo: str, folder: Path) -> dict[str, float]:
  """{kind: share of all time}, by `KINDS`; the rest is what no instruction's name was found for.

  Fusions are named by XLA after what is in them, so that the kinds are a rough picture. `convert`
  counts as elementwise.

  Args:
    hlo: text of the compiled step.
    folder: where `jax.profiler.trace` wrote one run of it.

  Raises:
    ValueError: no instruction is in the trace, as on other devices than CPUs.
  """
  instructions = {found[1] for found in map(_INSTRUCTION.match, hlo.splitlines()) if found}
  trace = json.loads(gzip.decompress(next(folder.rglob('*.trace.json.gz')).read_bytes()))
  events = [event for event in trace['traceEvents'] if event.get('ph') == 'X']
  seconds = Counter()
  for event in events:
    if event['name'] in instructions:
      seconds[kind_of(event['name'])] += event['dur']
  if not seconds:
    raise ValueError(f'{folder}: no instruction of the step is in the trace')
  whole = max(event['dur'] for event in events if 'ThunkExecutor::Execute' in event['name'])
  whole = max(whole, seconds.total())  # where instructions ran side by side
  found = {kind: seconds[kind] / whole for kind in KINDS[:-1]}
  return found | {KINDS[-1]: max(0.0, 1 - sum(found.values()))}


def kind_of(instruction: str) -> str:
  """Kind of an instruction by its name in the compiled program."""
  name = instruction.replace('convert', '')
  return next((kind for part, kind in _NAMED if part in name), 'elementwise and copies')
