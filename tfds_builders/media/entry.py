"""One media file and its labels, whatever dataset's tree or table they were read from."""

import re
from typing import NamedTuple

from cemnet_jax.errors import UserError
from cemnet_jax.topology import EMOTIONS

VIDEO_SUFFIXES = ('.mp4', '.mov', '.m4v', '.mkv', '.webm', '.avi', '.mpg', '.mpeg', '.flv', '.wmv',
                  '.3gp', '.ts')
SPLITS = ('train', 'val', 'test')
# Other words for the eight emotions, as folder names of public datasets have them.
ALIASES = {'anger': 'angry', 'disgust': 'disgusted', 'happiness': 'happy', 'joy': 'happy',
           'sadness': 'sad', 'surprise': 'surprised', 'afraid': 'fear', 'fearful': 'fear',
           'contemptuous': 'contempt', 'calm': 'neutral'}


class Entry(NamedTuple):
  """One file and its labels; '' or 0 where unknown."""
  file: str  # relative to the root, with forward slashes
  speaker: str
  emotion: str = ''
  intensity: int = 0
  transcript: str = ''
  split: str = ''
  audio: str = ''  # relative to the root: the sound when it is not in `file`
  sentence: str = ''  # content key: equal for files that say the same; the transcript if empty


def printable(name: str) -> str:
  """A file's name as text, which records and reports hold: bytes that are not UTF-8 are escaped."""
  return name.encode('utf-8', 'backslashreplace').decode()


def normalise_transcript(text: str) -> str:
  """Lower-case words of letters and apostrophes, one space between."""
  return ' '.join(re.findall(r"[a-z']+", text.lower()))


def emotion_label(name: str, where) -> str:
  """One of the eight emotions from its usual names; UserError naming `where` otherwise."""
  word = name.strip().lower()
  word = ALIASES.get(word, word)
  if word not in EMOTIONS:
    raise UserError(f'{where}: emotion {name!r} is none of {", ".join(EMOTIONS)}')
  return word
