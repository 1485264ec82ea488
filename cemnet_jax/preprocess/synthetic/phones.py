"""ARPAbet phones: how each sounds (formants, duration, noise) and how each shapes the mouth.

Formant targets are rounded textbook values for an average adult tract; speakers scale them.
"""

from typing import NamedTuple

SILENCE = '_'

# What produces the sound of a phone; `speech.py` has one branch per kind.
VOWEL, NASAL, APPROXIMANT, FRICATIVE = 'vowel', 'nasal', 'approximant', 'fricative'
STOP, AFFRICATE, ASPIRATE, PAUSE = 'stop', 'affricate', 'aspirate', 'pause'

VISEME_CHANNELS = ('jaw', 'wide', 'round', 'up', 'low', 'close', 'ftuck', 'tongue')


class Phone(NamedTuple):
  """One phone at neutral rate.

  Attributes:
    kind: one of the constants above.
    start, end: (F1, F2, F3) targets in Hz; they differ in diphthongs, None takes the next phone's.
    duration: milliseconds, unstressed consonant or stressed vowel before scaling.
    voicing: amplitude of the glottal source during frication or closure, 0 to 1.
    noise: (centre Hz, bandwidth Hz, gain) of the frication or burst, None where there is none.
  """
  kind: str
  start: tuple[float, float, float] | None
  end: tuple[float, float, float] | None
  duration: float
  voicing: float = 0.0
  noise: tuple[float, float, float] | None = None


def _steady(kind, formants, duration, voicing=0.0, noise=None):
  return Phone(kind, formants, formants, duration, voicing, noise)


def _glide(start, end, duration):
  return Phone(VOWEL, start, end, duration)


PHONES = {
  SILENCE: Phone(PAUSE, None, None, 80),
  'IY': _steady(VOWEL, (280, 2250, 2900), 110),
  'IH': _steady(VOWEL, (400, 1920, 2560), 85),
  'EH': _steady(VOWEL, (550, 1770, 2490), 100),
  'AE': _steady(VOWEL, (690, 1660, 2490), 130),
  'AA': _steady(VOWEL, (710, 1100, 2540), 130),
  'AO': _steady(VOWEL, (590, 880, 2540), 130),
  'UH': _steady(VOWEL, (450, 1030, 2380), 90),
  'UW': _steady(VOWEL, (310, 950, 2200), 115),
  'AH': _steady(VOWEL, (600, 1220, 2550), 75),
  'ER': _steady(VOWEL, (470, 1270, 1540), 110),
  'EY': _glide((480, 2000, 2600), (330, 2250, 2800), 130),
  'AY': _glide((710, 1200, 2500), (350, 2100, 2700), 150),
  'OY': _glide((550, 900, 2400), (350, 2000, 2600), 160),
  'AW': _glide((710, 1200, 2500), (430, 900, 2300), 150),
  'OW': _glide((540, 1000, 2400), (380, 830, 2300), 130),
  'M': _steady(NASAL, (250, 1050, 2200), 75),
  'N': _steady(NASAL, (250, 1550, 2550), 65),
  'NG': _steady(NASAL, (250, 2000, 2700), 80),
  'L': _steady(APPROXIMANT, (360, 1050, 2750), 65),
  'R': _steady(APPROXIMANT, (330, 1100, 1500), 70),
  'W': _steady(APPROXIMANT, (300, 650, 2200), 70),
  'Y': _steady(APPROXIMANT, (260, 2200, 3000), 65),
  'HH': Phone(ASPIRATE, None, None, 60),
  'F': _steady(FRICATIVE, (320, 1100, 2200), 100, 0.0, (5500, 6000, 0.22)),
  'V': _steady(FRICATIVE, (280, 1100, 2200), 65, 0.5, (5500, 6000, 0.10)),
  'TH': _steady(FRICATIVE, (320, 1400, 2600), 95, 0.0, (6000, 5000, 0.20)),
  'DH': _steady(FRICATIVE, (280, 1400, 2600), 50, 0.55, (6000, 5000, 0.07)),
  'S': _steady(FRICATIVE, (320, 1700, 2600), 110, 0.0, (6500, 2500, 0.75)),
  'Z': _steady(FRICATIVE, (280, 1700, 2600), 80, 0.4, (6500, 2500, 0.38)),
  'SH': _steady(FRICATIVE, (320, 1850, 2400), 115, 0.0, (3300, 1800, 0.85)),
  'ZH': _steady(FRICATIVE, (280, 1850, 2400), 75, 0.4, (3300, 1800, 0.40)),
  'CH': _steady(AFFRICATE, (320, 1850, 2400), 120, 0.0, (3400, 1800, 0.85)),
  'JH': _steady(AFFRICATE, (280, 1850, 2400), 95, 0.35, (3300, 1800, 0.50)),
  'P': _steady(STOP, (300, 900, 2200), 90, 0.0, (900, 2500, 0.45)),
  'B': _steady(STOP, (260, 900, 2200), 70, 0.3, (900, 2500, 0.25)),
  'T': _steady(STOP, (300, 1750, 2650), 85, 0.0, (4500, 3500, 0.60)),
  'D': _steady(STOP, (260, 1750, 2650), 60, 0.3, (4300, 3500, 0.30)),
  'K': _steady(STOP, (300, 1900, 2300), 95, 0.0, (2000, 1300, 0.60)),
  'G': _steady(STOP, (260, 1900, 2300), 70, 0.3, (1900, 1300, 0.35)),
}

# Mouth targets in the order of VISEME_CHANNELS; phones that look alike share a row.
_VISEME_ROWS = (
  ('_', (0.02, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0)),
  ('IY EY Y', (0.22, 0.55, 0.0, 0.18, 0.25, 0.0, 0.0, 0.3)),
  ('IH EH', (0.42, 0.30, 0.0, 0.15, 0.25, 0.0, 0.0, 0.3)),
  ('AE', (0.75, 0.40, 0.0, 0.20, 0.30, 0.0, 0.0, 0.1)),
  ('AA AY AW', (0.95, 0.05, 0.0, 0.15, 0.25, 0.0, 0.0, 0.0)),
  ('AO OY OW', (0.62, -0.30, 0.65, 0.10, 0.15, 0.0, 0.0, 0.0)),
  ('AH HH', (0.48, 0.0, 0.0, 0.10, 0.15, 0.0, 0.0, 0.1)),
  ('UH', (0.32, -0.25, 0.55, 0.05, 0.10, 0.0, 0.0, 0.0)),
  ('UW W', (0.18, -0.60, 1.0, 0.02, 0.05, 0.0, 0.0, 0.0)),
  ('ER R', (0.26, -0.20, 0.50, 0.08, 0.12, 0.0, 0.0, 0.3)),
  ('M P B', (0.05, 0.0, 0.05, 0.0, 0.0, 1.0, 0.0, 0.0)),
  ('F V', (0.12, 0.10, 0.0, 0.22, -0.20, 0.0, 1.0, 0.0)),
  ('TH DH', (0.25, 0.10, 0.0, 0.10, 0.10, 0.0, 0.0, 1.0)),
  ('S Z', (0.08, 0.35, 0.0, 0.16, 0.22, 0.0, 0.0, 0.2)),
  ('SH ZH CH JH', (0.14, -0.20, 0.60, 0.22, 0.22, 0.0, 0.0, 0.1)),
  ('T D N L', (0.22, 0.15, 0.0, 0.10, 0.15, 0.0, 0.0, 0.7)),
  ('K G NG', (0.30, 0.05, 0.0, 0.08, 0.12, 0.0, 0.0, 0.1)),
)
VISEMES = {phone: values for phones, values in _VISEME_ROWS for phone in phones.split()}


def split_stress(token: str) -> tuple[str, bool]:
  """'AE1' -> ('AE', True); 'AE' or 'AE0' -> ('AE', False)."""
  return token.rstrip('012'), token.endswith('1')
