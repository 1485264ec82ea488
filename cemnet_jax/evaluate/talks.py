"""Talking videos of synthetic test speakers whose reference and speech carry other emotions."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate import figures
from cemnet_jax.evaluate.cases import Case, conflicting_pairs
from cemnet_jax.evaluate.scenes import draw_scene
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Talker
from cemnet_jax.metrics.mouth_opening import mouth_opening
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.preprocess.encode import write_video
from cemnet_jax.topology import EMOTIONS

REFERENCES = 5  # pictures of the speaker, as in the paper


class Voiced(NamedTuple):
  """A talker and whether its memory is used."""
  talker: Talker
  memory: bool = True


class Talk(NamedTuple):
  """One case as it was shown: videos by column name, all of the same T frames."""
  title: str
  reference: UInt8[np.ndarray, 'H W 3']
  videos: dict[str, UInt8[np.ndarray, 'T H W 3']]
  opening: Float[np.ndarray, ' T']  # of the real mouth
  audio: Float[np.ndarray, ' S']


def talk_cases(clips: Clips, speakers: int = 3, pairs: int = 3) -> list[Case]:
  """Test clips and conflicting references: the first `speakers`, `pairs` of emotions for each."""
  table, test = clips.table, np.asarray(clips.ranges['test'])
  cases = []
  for speaker in np.unique(table['speaker_index'][test])[:speakers]:
    mine = test[table['speaker_index'][test] == speaker]
    for number, (shown, heard) in enumerate(conflicting_pairs(pairs)):
      speech, faces = (mine[table['emotion'][mine] == e] for e in (heard, shown))
      if len(speech) and len(faces):
        driving = speech[number % len(speech)]
        others = faces[table['sentence'][faces] != table['sentence'][driving]]
        cases.append(Case(int(driving), int((others if len(others) else faces)[0])))
  return cases


def one_of_each_speaker(clips: Clips, cases: Sequence[Case]) -> list[Case]:
  """The first speaker's first case, the second one's second, ...: every pair of emotions once."""
  by_speaker = {}
  for case in cases:
    by_speaker.setdefault(clips.table['speaker'][case.driving], []).append(case)
  return [mine[number % len(mine)] for number, mine in enumerate(by_speaker.values())]


def make_talk(clips: Clips, case: Case, systems: dict[str, Voiced], size: int = 128) -> Talk:
  """Whole pictures of one case made by every system; pose and upper face of the driving clip.

  `clips` is a `synth_mead` dataset: its scenes are drawn again at `size` px.
  """
  world = clips.name.split('/')[-1]
  driving, shown = (draw_scene(world, clips[i], size) for i in case[:2])
  pick = np.linspace(0, len(shown.frames) - 1, REFERENCES + 2).round().astype(int)[1:-1]
  references = refs.from_arrays(shown.frames[pick], shown.landmarks_px[pick])
  canvas = refs.from_arrays(driving.frames, driving.landmarks_px, moving=True)
  audio = load_wav16(driving.audio)
  videos = {name: voiced.talker.speak(references, audio, canvas=canvas, memory=voiced.memory).frames
            for name, voiced in systems.items()}
  heard, seen = (EMOTIONS[clips.table['emotion'][i]] for i in case[:2])
  title = f'speaker {clips.table["speaker"][case.driving]}: reference {seen}, speech {heard}'
  return Talk(title, shown.frames[pick[0]], {**videos, 'ground truth': driving.frames},
              mouth_opening(driving.landmarks_px), audio)


def sheet(talks: Sequence[Talk], frames: int = 3, size: int = 144) -> UInt8[np.ndarray, 'H W 3']:
  """Contact sheet: the reference, then `frames` pictures of each video, mouths widest open."""
  rows = []
  for talk in talks:
    parts = np.array_split(np.arange(len(talk.opening)), frames)
    at = [part[talk.opening[part].argmax()] for part in parts]
    shown = [[video[t] for t in at] for video in talk.videos.values()]
    rows.append((talk.title, [[talk.reference], *shown]))
  return figures.contact_sheet(rows, ['reference', *talks[0].videos], size=size)


def write_side_by_side(path, talks: Sequence[Talk], size: int = 192) -> None:
  """One video, with sound: the reference picture and every talk's videos next to each other."""
  def pictures():
    for talk in talks:
      still = np.broadcast_to(talk.reference, talk.videos['ground truth'].shape)
      yield from figures.side_by_side({'reference': still, **talk.videos}, size=size)
  write_video(path, pictures(), np.concatenate([talk.audio for talk in talks]))


def write_talk(folder, number: int, talk: Talk, column: str) -> Path:
  """Saves one column of a talk as talk_<number>.mp4."""
  path = Path(folder) / f'talk_{number}.mp4'
  write_video(path, talk.videos[column], talk.audio)
  return path
