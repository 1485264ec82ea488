"""Speech of a synthetic voice: text or phones, emotion -> 16 kHz samples with exact phone times.

A harmonic source and shaped noise pass through a cascade of formants (after Klatt 1980), sampled at
the harmonics. All is float64, rounded to int16 once; libm and BLAS of another machine may move a
sample by one step.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.synthetic import phones as ph
from cemnet_jax.preprocess.synthetic.sentences import phones_of
from cemnet_jax.preprocess.synthetic.voices import Voice, make_voice, style_of
from cemnet_jax.topology import EMOTIONS, FPS, SAMPLE_RATE

__all__ = ['Speech', 'Voice', 'make_voice', 'speak']

_SPEECH_STREAM = 11  # keeps these draws apart from every other use of the same ids
_HOP = 80  # samples per control frame of 5 ms
_FRAME_MS = 1000 * _HOP / SAMPLE_RATE
_VIDEO_MS = 1000 / FPS
_TOP_HZ = 7600.0
_NEUTRAL_VOWEL = (500.0, 1500.0, 2500.0)
_UPPER_FORMANTS = np.array([3500.0, 4500.0, 5500.0])
_BANDWIDTHS = np.array([70.0, 95.0, 140.0, 220.0, 300.0, 400.0])
_NOISE_FFT = 3 * _HOP  # Hann squared sums to a constant at this hop
_CHUNK = 16  # control frames of harmonics at a time: fits the cache


class Speech(NamedTuple):
  """What was said.

  Attributes:
    pcm: (S,) int16 at 16 kHz; S is a whole number of 25 fps video frames.
    phones: (phone, start s, end s), one after the other from 0 to the end; '_' is silence, which
      lasts at least 0.2 s at both ends.
  """
  pcm: np.ndarray
  phones: list[tuple[str, float, float]]


class _Tracks(NamedTuple):
  """Controls at 200 Hz; F control frames."""
  formants: np.ndarray  # (F, 3) Hz, of an average tract
  voicing: np.ndarray  # (F,)
  aspiration: np.ndarray  # (F,)
  nasal: np.ndarray  # (F,)
  accent: np.ndarray  # (F,) 1 in stressed vowels
  frication: np.ndarray  # (F, bins) spectrum of hiss and bursts


def speak(voice: Voice, phones_or_text: str | Sequence[str], emotion: str, intensity: int,
          seed_ids: tuple[int, ...]) -> Speech:
  """Says a text (of known words) or ARPAbet phones; the same for the same arguments.

  Args:
    voice: of `make_voice`.
    phones_or_text: text such as 'we move', or phones such as ['M', 'UW1', 'V']; '1' is stress.
    emotion: one of EMOTIONS.
    intensity: 1 to 3; neutral sounds alike at all of them.
    seed_ids: non-negative numbers that name the take; they vary timing and pitch slightly.

  Raises:
    UserError: unknown word, phone, emotion or intensity, or nothing to say.
  """
  tokens = phones_of(phones_or_text) if isinstance(phones_or_text, str) else list(phones_or_text)
  _check(tokens)
  style = style_of(voice, emotion, intensity)
  rng = np.random.Generator(np.random.PCG64(
    [_SPEECH_STREAM, voice.speaker, EMOTIONS.index(emotion), intensity, *seed_ids]))
  timeline = _timeline(tokens, voice, style, rng)
  tracks = _tracks(timeline, voice, style)
  pitch = _pitch(tracks.accent, voice, style, rng)
  wave = 0.045 * _voiced(pitch, tracks, voice, style) + 0.59 * _noise(tracks, voice, style, rng)
  wave *= 10 ** ((style.energy + voice.gain + rng.normal(0, 0.7)) / 20)
  wave = 0.72 * np.tanh(0.8 * wave)  # loud voices saturate softly, none clips
  pcm = np.clip(np.round(32767 * wave), -32768, 32767).astype(np.int16)
  return Speech(pcm, [(name, start / 1000, end / 1000) for name, _, start, end in timeline])


def _check(tokens):
  unknown = [token for token in tokens if ph.split_stress(token)[0] not in ph.PHONES]
  if unknown:
    raise UserError(f"'{unknown[0]}' is no ARPAbet phone; see PHONES of synthetic/phones.py")
  if all(token == ph.SILENCE for token in tokens):
    raise UserError('there is nothing to say; give at least one phone or word')


def _timeline(tokens, voice, style, rng):
  """[(phone, stressed, start ms, end ms)] from 0, with silence at both ends, whole video frames."""
  now = 205 + 25 * rng.uniform()
  timeline = [(ph.SILENCE, False, 0.0, now)]
  for index, token in enumerate(tokens):
    name, stressed = ph.split_stress(token)
    phone = ph.PHONES[name]
    length = phone.duration * style.duration * voice.rate * rng.uniform(0.93, 1.07)
    if phone.kind == ph.VOWEL:
      length *= 1.25 if stressed else 0.85
    if index >= len(tokens) - 2:
      length *= 1.25  # phrase-final lengthening
    timeline.append((name, stressed, now, now + length))
    now += length
  end = _VIDEO_MS * np.ceil((now + 205) / _VIDEO_MS)
  return timeline + [(ph.SILENCE, False, now, float(end))]


def _tracks(timeline, voice, style):
  """Targets of each phone, then smoothing, which makes the transitions of coarticulation."""
  count = int(round(timeline[-1][3] / _FRAME_MS))
  formants = np.zeros((count, 3))
  voicing, aspiration, nasal, accent = (np.zeros(count) for _ in range(4))
  frequencies = np.arange(_NOISE_FFT // 2 + 1) * SAMPLE_RATE / _NOISE_FFT
  frication = np.zeros((count, len(frequencies)))
  scale = voice.formant_scale * style.formants

  def hiss(start, end, phone, gain):
    centre, width, level = phone.noise
    first = int(start / _FRAME_MS)
    frication[first:max(first + 1, int(end / _FRAME_MS))] += (
      gain * level * np.exp(-((frequencies - centre * scale) / (0.6 * width)) ** 2))

  for index, (name, stressed, start, end) in enumerate(timeline):
    phone = ph.PHONES[name]
    span = slice(int(start / _FRAME_MS), max(int(start / _FRAME_MS) + 1, int(end / _FRAME_MS)))
    formants[span] = _targets(timeline, index, span.stop - span.start, style)
    if phone.kind == ph.VOWEL:
      voicing[span], accent[span] = (1.0, 1.0) if stressed else (0.75, 0.0)
    elif phone.kind == ph.APPROXIMANT:
      voicing[span] = 0.6
    elif phone.kind == ph.NASAL:
      voicing[span], nasal[span] = 0.5, 1.0
    elif phone.kind == ph.ASPIRATE:
      voicing[span], aspiration[span] = 0.1, 0.5
    elif phone.kind == ph.FRICATIVE:
      voicing[span] = phone.voicing
      hiss(start, end, phone, 1.0)
    elif phone.kind in (ph.STOP, ph.AFFRICATE):
      share = 0.6 if phone.kind == ph.STOP else 0.4  # of closure before the release
      release = start + share * (end - start)
      closed, opened = (slice(span.start, int(release / _FRAME_MS)),
                        slice(int(release / _FRAME_MS), span.stop))
      voicing[closed] = phone.voicing * 0.5
      if phone.kind == ph.STOP:
        hiss(release, release + 12, phone, 1.4)
        hiss(release + 12, end, phone, 0.25)
        voicing[opened], aspiration[opened] = (0.5, 0.0) if phone.voicing else (0.0, 0.35)
      else:
        hiss(release, end, phone, 1.1)
        voicing[opened] = phone.voicing
  return _Tracks(_smooth(formants, 13), _smooth(voicing, 5), _smooth(aspiration, 5),
                 _smooth(nasal, 7), accent, _smooth(frication, 3))


def _targets(timeline, index, count, style):
  """Formants (count, 3) of a phone; silence and HH take the shape of what follows or precedes."""
  here = ph.PHONES[timeline[index][0]]
  start, end = here.start, here.end
  if start is None:
    following = [ph.PHONES[other[0]].start for other in timeline[index:]]
    preceding = [ph.PHONES[other[0]].end for other in timeline[index::-1]]
    start = end = next((shape for shape in following + preceding if shape), _NEUTRAL_VOWEL)
  glide = np.linspace(0, 1, count)[:, None]
  targets = np.array(start) * (1 - glide) + np.array(end) * glide
  if here.kind == ph.VOWEL:
    neutral = np.array(_NEUTRAL_VOWEL)
    targets = neutral + (targets - neutral) * style.vowel_space
  return targets


def _pitch(accent, voice, style, rng):
  """F0 in Hz (F,): declination, stress accents, tremor, slow drift, jitter."""
  count = len(accent)
  time = np.linspace(0, 1, count)
  accents = _smooth(accent, 31)
  accents = accents / (accents.max() + 1e-9)
  tremor = np.sin(2 * np.pi * 5.5 * np.arange(count) * _FRAME_MS / 1000 + rng.uniform(0, 2 * np.pi))
  semitones = (style.slope * (time - 0.5)
               + 3.2 * style.pitch_range * voice.pitch_range * (accents - 0.4)
               + style.tremor * tremor + _smooth(rng.normal(0, 0.6, count), 25))
  if style.slope > 0:
    semitones += style.slope * 8 / 3 * np.clip(time - 0.75, 0, 1)  # a question's final rise
  pitch = voice.pitch * style.pitch * 2 ** (semitones / 12)
  return np.clip(pitch, 55, 500) * (1 + style.jitter * rng.normal(0, 0.35, count))


def _poles(tracks, voice, style):
  """Frequencies and bandwidths (F, 6) in Hz of the tract's resonances."""
  count = len(tracks.nasal)
  formants = np.concatenate([tracks.formants, np.broadcast_to(_UPPER_FORMANTS, (count, 3))], axis=1)
  formants *= voice.formant_scale * style.formants
  formants[:, :4] *= voice.formant_factors
  nasal = (1 + 0.8 * (tracks.nasal + 0.6 * style.nasality))[:, None]
  return formants, _BANDWIDTHS * voice.bandwidth * nasal


def _source(pitch, tracks, voice, style):
  """Complex amplitude of each harmonic (F, K): glottal source, tract, nose, timbre."""
  harmonic = np.arange(1, int(_TOP_HZ / pitch.min()) + 1)
  hertz = pitch[:, None] * harmonic
  squared = hertz * hertz
  tract = np.ones(hertz.shape, complex)  # product of the poles' denominators
  for formant, width in zip(*(poles.T for poles in _poles(tracks, voice, style)), strict=True):
    peak = formant**2 + width**2 / 4
    tract *= (1 - squared / peak[:, None]) + 1j * (hertz * (width / peak)[:, None])
  nasal = (tracks.nasal + 0.5 * style.nasality * (tracks.voicing > 0.1))[:, None]
  zero = 1000 * voice.formant_scale * style.formants
  gain = 1 - 0.8 * nasal * np.exp(-((hertz - zero) / 250) ** 2)
  gain *= 1 + nasal * np.exp(-((hertz - 270) / 120) ** 2)
  octaves = np.log2(np.maximum(hertz, 50) / 500)
  # -12 dB per octave of the glottis and +6 of the radiation at the lips.
  level = -6 * octaves + (0.5 * voice.tilt + style.tilt) * np.clip(octaves, -2, 4)
  level[:, 0] += voice.open_quotient
  for centre, decibel in voice.resonances:
    level += decibel * np.exp(-((hertz - centre) / 500) ** 2)
  gain *= 10 ** (level / 20) * (hertz < _TOP_HZ)
  breath = min(1.0, 2 * (voice.breath + style.breath))
  gain *= tracks.voicing[:, None] * (1 - 0.5 * breath)
  return gain / tract


def _voiced(pitch, tracks, voice, style):
  """The voice (F * 80,): a sum of harmonics, their amplitudes interpolated between frames."""
  count = len(pitch)
  ramp = np.arange(_HOP) / _HOP
  following = np.append(pitch[1:], pitch[-1])
  hertz = pitch[:, None] * (1 - ramp) + following[:, None] * ramp
  phase = 2 * np.pi / SAMPLE_RATE * np.cumsum(hertz).reshape(count, _HOP)
  # The frames that sound; the last one fades to zero in the next, silent frame.
  sounding = np.flatnonzero(tracks.voicing > 0)
  amplitudes = np.zeros((count + 1, int(_TOP_HZ / pitch[sounding].min())), complex)
  heard = _Tracks(*(track[sounding] for track in tracks))
  amplitudes[sounding] = _source(pitch[sounding], heard, voice, style)
  sounding = np.union1d(sounding, np.maximum(sounding - 1, 0))
  pairs = np.stack([amplitudes[sounding], amplitudes[sounding + 1]], axis=1)
  base = np.exp(1j * phase[sounding])
  wave = np.zeros((count, _HOP))
  for first in range(0, len(sounding), _CHUNK):
    part = slice(first, first + _CHUNK)
    ends = (pairs[part] @ _powers(base[part], pairs.shape[-1])).real  # (frames, 2, samples)
    wave[sounding[part]] = ends[:, 0] * (1 - ramp) + ends[:, 1] * ramp
  return wave.reshape(-1)


def _powers(base, total):
  """base (F, X) -> (F, total, X): base to the powers 1 to total, by doubling."""
  powers = np.empty((len(base), total, base.shape[-1]), complex)
  powers[:, 0] = base
  have = 1
  while have < total:
    more = min(have, total - have)
    np.multiply(powers[:, :more], powers[:, have - 1:have], out=powers[:, have:have + more])
    have += more
  return powers


def _noise(tracks, voice, style, rng):
  """Hiss, bursts, aspiration, breath and a trace of room noise (F * 80,)."""
  count = len(tracks.voicing)
  frequencies = np.arange(_NOISE_FFT // 2 + 1) * SAMPLE_RATE / _NOISE_FFT
  octaves = np.clip(np.log2(np.maximum(frequencies, 50) / 500), -2, 4)
  squared = frequencies**2
  tract = np.ones((count, len(frequencies)))  # squared magnitude of the poles' denominators
  for formant, width in zip(*(poles.T for poles in _poles(tracks, voice, style)), strict=True):
    peak = formant**2 + width**2 / 4
    tract *= (1 - squared / peak[:, None]) ** 2 + squared * ((width / peak) ** 2)[:, None]
  throat = 10 ** (0.3 * voice.tilt * octaves / 20) / np.sqrt(tract)
  breath = tracks.aspiration + (voice.breath + style.breath) * tracks.voicing
  spectrum = tracks.frication + 0.35 * breath[:, None] * throat
  spectrum = spectrum + 10 ** (voice.room / 20) / (1 + frequencies / 500)
  spectrum[:, frequencies > 7700] = 0
  window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_NOISE_FFT) / _NOISE_FFT)
  white = rng.uniform(-1, 1, (count + 2) * _HOP)
  frames = np.lib.stride_tricks.sliding_window_view(white, _NOISE_FFT)[::_HOP] * window
  shaped = np.fft.irfft(np.fft.rfft(frames) * spectrum, _NOISE_FFT) * window
  wave = np.zeros((count + 2, _HOP))
  for part in range(3):
    wave[part:part + count] += shaped[:, part * _HOP:(part + 1) * _HOP]
  return wave.reshape(-1)[_NOISE_FFT // 2:][:count * _HOP]


def _smooth(track, width):
  """Hann-weighted mean over `width` frames along axis 0, ends repeated; width is odd."""
  weights = np.hanning(width + 2)[1:-1]
  weights = weights / weights.sum()
  half = width // 2
  padded = np.pad(track, [(half, half)] + [(0, 0)] * (track.ndim - 1), mode='edge')
  if track.ndim == 1:
    return np.convolve(padded, weights, 'valid')
  return sum(weight * padded[i:i + len(track)] for i, weight in enumerate(weights))
