"""Who speaks and how: timbre of a synthetic speaker, and what an emotion does to that voice.

Timbre, content and emotion are independent factors; only habits join a speaker and an emotion.
"""

from typing import NamedTuple

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.topology import EMOTIONS

_VOICE_STREAM = 7  # keeps these draws apart from every other use of a speaker's number
INTENSITY_GAIN = {1: 0.45, 2: 0.75, 3: 1.0}


class Style(NamedTuple):
  """What an emotion does to any voice; the defaults leave it as it is."""
  pitch: float = 1.0  # factor on F0
  pitch_range: float = 1.0  # factor on the size of accents
  duration: float = 1.0  # factor on the duration of phones
  energy: float = 0.0  # dB
  tilt: float = 0.0  # dB per octave above 500 Hz; positive is brighter
  breath: float = 0.0  # added breathiness
  jitter: float = 0.0  # irregular F0 from one 5 ms frame to the next
  vowel_space: float = 1.0  # distance of vowels from the neutral vowel
  formants: float = 1.0  # factor on all formants; a smile shortens the tract
  slope: float = -2.0  # semitones that F0 rises from the first to the last phone
  tremor: float = 0.0  # semitones of 5.5 Hz vibrato
  nasality: float = 0.0


# Directions follow the reviews of vocal emotion (Scherer 2003; Juslin & Laukka 2003), sizes were
# tuned so that a classifier needs more than the mean spectrum to tell emotions apart.
STYLES = {
  'angry': Style(pitch=1.22, pitch_range=1.7, duration=0.86, energy=6, tilt=6.0, jitter=0.03,
                 vowel_space=1.15, slope=-3),
  'contempt': Style(pitch=0.90, pitch_range=0.8, duration=1.15, energy=-1, tilt=1, breath=0.02,
                    vowel_space=0.92, formants=0.96, slope=-6, nasality=1.2),
  'disgusted': Style(pitch=0.92, pitch_range=1.2, duration=1.25, energy=1, tilt=-1.5, breath=0.08,
                     jitter=0.15, vowel_space=0.88, formants=0.89, slope=-3, nasality=0.3),
  'fear': Style(pitch=1.45, pitch_range=0.9, duration=0.78, tilt=0.5, breath=0.32, jitter=0.04,
                vowel_space=0.86, formants=1.04, slope=1, tremor=1.0),
  'happy': Style(pitch=1.30, pitch_range=1.8, duration=0.92, energy=3, tilt=2.5, breath=0.02,
                 vowel_space=1.14, formants=1.14, slope=-1),
  'neutral': Style(),
  'sad': Style(pitch=0.86, pitch_range=0.5, duration=1.28, energy=-6, tilt=-6, breath=0.20,
               jitter=0.02, vowel_space=0.80, formants=0.98, slope=-3, tremor=0.3),
  'surprised': Style(pitch=1.40, pitch_range=2.4, energy=2, tilt=0, breath=0.20,
                     vowel_space=1.28, formants=0.97, slope=6),
}


class Voice(NamedTuple):
  """The timbre of one speaker and how that speaker shows emotions."""
  speaker: int
  pitch: float  # Hz
  pitch_range: float  # factor on the size of accents
  rate: float  # factor on the duration of phones
  formant_scale: float  # tract length: 1 is an average man
  formant_factors: np.ndarray  # (4,) on F1 to F4
  bandwidth: float  # factor on the bandwidth of formants
  tilt: float  # dB per octave
  open_quotient: float  # dB on the first harmonic
  breath: float
  gain: float  # dB
  resonances: np.ndarray  # (3, 2): Hz and dB of peaks of this head, room and microphone
  room: float  # dB of the noise of the room and microphone: inaudible, but no digital silence
  habits: dict  # emotion -> (12,) factors on the fields of Style


def make_voice(speaker: int) -> Voice:
  """The voice of speaker number `speaker` >= 0; even numbers have a low voice, odd ones a high one.

  Habits are a factor of the speaker (expressiveness), one of the speaker for each field of Style,
  and a small one for each emotion and field: what an unseen speaker does in one emotion tells much
  of what it does in the others.
  """
  rng = np.random.Generator(np.random.PCG64([_VOICE_STREAM, speaker]))
  high = speaker % 2
  base = 205 if high else 115
  fields = len(Style._fields)
  voice = dict(
    pitch=base * 2 ** rng.uniform(-0.35, 0.35),
    pitch_range=rng.uniform(0.8, 1.2),
    rate=rng.uniform(0.88, 1.12),
    formant_scale=(1.14 if high else 0.98) * rng.uniform(0.94, 1.06),
    formant_factors=rng.uniform(0.92, 1.08, 4),
    bandwidth=rng.uniform(0.8, 1.4),
    tilt=rng.uniform(-4.5, 4.5),
    open_quotient=rng.uniform(-4, 4),
    breath=rng.uniform(0, 0.1),
    gain=rng.uniform(-3, 3),
    resonances=np.stack([rng.uniform(1500, 6500, 3), rng.uniform(-10, 10, 3)], axis=1),
    room=rng.uniform(-65, -45))
  expressiveness = rng.normal(0, 0.13) + rng.normal(0, 0.10, fields)
  habits = {emotion: np.clip(np.exp(expressiveness + rng.normal(0, 0.06, fields)), 0.6, 1.5)
            for emotion in EMOTIONS}
  return Voice(speaker=speaker, habits=habits, **voice)


def style_of(voice: Voice, emotion: str, intensity: int) -> Style:
  """How this speaker sounds in an emotion at intensity 1 to 3; neutral is the same at all three.

  Raises:
    UserError: an emotion or intensity that does not exist.
  """
  if emotion not in STYLES:
    raise UserError(f"no emotion '{emotion}'; choose one of {', '.join(EMOTIONS)}")
  if intensity not in INTENSITY_GAIN:
    raise UserError(f'no emotion intensity {intensity}; choose 1, 2 or 3')
  neutral, full = np.array(STYLES['neutral']), np.array(STYLES[emotion])
  shown = neutral + (full - neutral) * INTENSITY_GAIN[intensity] * voice.habits[emotion]
  return Style(*(float(value) for value in shown))
