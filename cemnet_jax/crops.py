"""By which rule crops follow the face: datasets say it, and what learned from them knows no other.

A rule is 'stable' or 'iplap', see `preprocess.crop`; '' is of what sees no face, or is public and
was trained on crops of its own.
"""

from collections.abc import Mapping
from typing import Any

from cemnet_jax.errors import UserError

BEFORE = 'stable'  # of datasets and stages that are older than this record
HEARD = ('voice', 'speech', 'aee')  # kinds of batches without pictures and landmarks


def of_metadata(metadata: Mapping[str, Any]) -> str:
  """The rule of a built dataset."""
  return metadata.get('crop', BEFORE)


def of_config(config: Mapping[str, Any]) -> str:
  """The rule that a stage with this config learned from."""
  data = config.get('data', {})
  if data.get('kind') in HEARD:
    return ''
  return data.get('crop') or ('' if 'imported' in config else BEFORE)


def check(rules: Mapping[str, str], what_to_do: str) -> None:
  """UserError unless all rules but '' are the same.

  Args:
    rules: what it is, as a message names it -> its rule.
    what_to_do: the end of the message.
  """
  known = {name: rule for name, rule in rules.items() if rule}
  first = next(iter(known.items()), ('', ''))
  other = next((item for item in known.items() if item[1] != first[1]), None)
  if other:
    raise UserError(f'{other[0]} is of crops by the rule {other[1]!r}, {first[0]} of crops by the '
                    f'rule {first[1]!r}; {what_to_do}')
