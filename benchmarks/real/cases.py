"""Which real faces say which real speech: a fixed list, by file below the folder of real media."""

from pathlib import Path
from typing import NamedTuple

from cemnet_jax.errors import UserError

RAVDESS_PEOPLE = 18
# RAVDESS's numbers of emotion; the speech is at strong intensity where there is one.
RAVDESS_EMOTIONS = {'happy': 3, 'sad': 4, 'angry': 5, 'surprised': 8, 'disgusted': 7, 'fear': 6,
                    'neutral': 1, 'calm': 2}


class Case(NamedTuple):
  """One video to make; the emotion is left to the system unless `asked` names one."""
  name: str
  reference: str
  speech: str
  heard: str  # the emotion of the speech as its data set labels it
  why: str  # this reference
  asked: str = 'auto'


def ravdess_speech(person: int, emotion: str, statement: int = 1) -> str:
  """A file of RAVDESS's actor: modality-channel-emotion-intensity-statement-repetition-actor."""
  strength = 1 if emotion == 'neutral' else 2
  return (f'ravdess/Actor_{person:02d}/03-01-{RAVDESS_EMOTIONS[emotion]:02d}-{strength:02d}-'
          f'{statement:02d}-01-{person:02d}.flac')


def own_voice(person: int) -> Case:
  """A RAVDESS actor's portrait with an own sentence; emotions and statements take turns."""
  emotion = list(RAVDESS_EMOTIONS)[(person - 1) % len(RAVDESS_EMOTIONS)]
  return Case(f'ravdess_{person:02d}', f'portraits/ravdess/Actor_{person:02d}.png',
              ravdess_speech(person, emotion, 1 + person % 2), emotion, 'face and own voice')


OWN_VOICE = tuple(own_voice(person) for person in range(1, RAVDESS_PEOPLE + 1))

# Chosen by eye and by landmarks: what the RAVDESS portraits (closed lips, frontal, 100 px) lack.
PORTRAITS = (
  Case('beard', 'portraits/EAMM_jake4.png', ravdess_speech(9, 'happy'), 'happy', 'full beard'),
  Case('grey_beard', 'portraits/EAMM_dune_1.jpg', 'mead/M003/audio/angry/level_3/005.m4a', 'angry',
       'grey beard, smooth background'),
  Case('turned_man', 'portraits/EAMM_14.png', 'mead/M030/audio/happy/level_3/006.m4a', 'happy',
       'turned by about 20 degrees, lips parted'),
  Case('turned_woman', 'portraits/EAMM_21.png', 'mead/W009/audio/angry/level_3/005.m4a', 'angry',
       'turned by about 15 degrees, closed lips'),
  Case('glasses', 'portraits/LivePortrait_d8.jpg', ravdess_speech(5, 'surprised', 2), 'surprised',
       'glasses, corners drawn down, 212 px'),
  Case('moustache', 'portraits/LivePortrait_s12.jpg', ravdess_speech(17, 'sad', 2), 'sad',
       'grey film, moustache over the lip, turned by about 14 degrees'),
  Case('sharp', 'portraits/DreamTalk_male_face.png', ravdess_speech(13, 'angry', 2), 'angry',
       'sharp, 314 px, closed lips'),
  Case('open', 'portraits/MEAD_M030_001.jpg', 'mead/M030/audio/sad/level_3/005.m4a', 'sad',
       'open lips with teeth'),
  Case('dark', 'portraits/CREMAD_img04.png', ravdess_speech(4, 'disgusted'), 'disgusted',
       'dark skin, 98 px, lips parted'))

VIDEOS = (
  Case('video_720p', 'ravdess/Actor_01/01-01-08-02-01-01-01.mp4', ravdess_speech(1, 'angry', 2),
       'angry', 'stubble, 300 px, own voice of another take'),
  Case('video_calm', 'ravdess/Actor_01/01-01-02-01-01-02-01.mp4', ravdess_speech(1, 'happy'),
       'happy', 'the same man, calm; own voice of another take'),
  Case('video_1080p', 'clips/M030_sad_3_001_1080p.mp4', 'mead/M030/audio/happy/level_3/010.m4a',
       'happy', 'MEAD at full size, 376 px, own voice of another take'),
  Case('video_hdtf', 'clips/HDTF_WDA_AlexandriaOcasioCortez_000.mp4', ravdess_speech(8, 'sad', 2),
       'sad', 'make-up, 240 px, head moves'),
  Case('video_glasses', 'clips/VideoReTalking_5.mp4', ravdess_speech(14, 'happy', 2), 'happy',
       'woman with glasses, 220 px'),
  Case('video_turned', 'clips/StyleTalk_feifeili_clip1.mp4', ravdess_speech(12, 'surprised'),
       'surprised', 'woman turned by 20 to 35 degrees'),
  Case('video_dark', 'clips/StyleTalk_Obama_clip1.mp4', ravdess_speech(3, 'angry'), 'angry',
       'dark skin, 125 px'),
  Case('video_grid', 'clips/GRID_lbax4n.mpg', ravdess_speech(7, 'disgusted', 2), 'disgusted',
       'glasses, MPEG-1 of 360x288'),
  Case('video_crema', 'crema_d/VideoFlash/1001_DFA_NEU_XX.flv',
       'crema_d/VideoFlash/1001_DFA_ANG_XX.flv', 'angry', 'FLV of 480x360, own voice, other take'))

QUICK = ('ravdess_05', 'ravdess_12', 'beard', 'turned_woman', 'video_720p', 'video_turned')
ALL = (*OWN_VOICE, *PORTRAITS, *VIDEOS)
EMOTION_FACES = (2, 5, 12, 13)  # RAVDESS portraits that show all emotions


def choose(count: int | None = None, quick: bool = False) -> tuple[Case, ...]:
  """All cases, the quick ones, or `count` spread evenly over all.

  Raises:
    UserError: a count of none, or of more than there are.
  """
  if quick:
    return tuple(case for case in ALL if case.name in QUICK)
  if count is None:
    return ALL
  if not 1 <= count <= len(ALL):
    raise UserError(f'--cases {count}: give 1 to {len(ALL)}')
  return tuple(ALL[i * len(ALL) // count] for i in range(count))


def emotion_cases(emotions, people=EMOTION_FACES) -> tuple[Case, ...]:
  """Each person's portrait with the own neutral sentence and every emotion asked for by name."""
  return tuple(Case(f'ravdess_{person:02d}_{emotion}', f'portraits/ravdess/Actor_{person:02d}.png',
                    ravdess_speech(person, 'neutral'), 'neutral', 'the same face and speech',
                    emotion)
               for person in people for emotion in emotions)


def check_files(cases, folder: Path) -> None:
  """UserError naming the first file of the cases that `folder` lacks."""
  for case in cases:
    for path in (case.reference, case.speech):
      if not (folder / path).is_file():
        raise UserError(f'{folder / path}: no such file; --real is the folder with portraits/, '
                        'clips/, ravdess/ and MANIFEST.csv')
