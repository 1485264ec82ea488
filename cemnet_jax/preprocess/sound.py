"""Sound of any media file: what the nets hear (16 kHz mono), and the file's own for the result.

Zero is the first video frame's time stamp where pictures belong to it, else the first sample's.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import Bool, Float

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.container import MAX_GAP, default, film, films, opened
from cemnet_jax.preprocess.recording import Recording, resample_parts
from cemnet_jax.topology import SAMPLE_RATE, SAMPLES_PER_FRAME

STAMP_ERROR = 0.03  # s; containers round time stamps, a smaller step is no real gap
MIN_SECONDS = 0.2  # one mel window of 16 frames
SILENT = 1e-2  # a channel with less of the loudest one's power (-20 dB) is left out
OPPOSITE = -0.5  # correlation below which a channel is turned before the mean
QUIET_DB = -50.0  # root mean square below which speech is called very quiet
# How channels beside front left and front right come into two, as ITU-R BS.775 has it.
SIDE, BOTH = 2 ** -0.5, 0.5
_DOWNMIX = {'FL': (1, 0), 'FR': (0, 1), 'FC': (SIDE, SIDE), 'LFE': (0, 0), 'LFE2': (0, 0),
            **dict.fromkeys(('SL', 'BL', 'FLC', 'WL', 'TFL', 'TBL'), (SIDE, 0)),
            **dict.fromkeys(('SR', 'BR', 'FRC', 'WR', 'TFR', 'TBR'), (0, SIDE))}
_UNNAMED = {3: '3.0', 4: '4.0', 5: '5.0', 6: '5.1', 7: '6.1', 8: '7.1'}  # layouts most files have


class Track(NamedTuple):
  """The sound of a file that is taken.

  Attributes:
    index: among the file's sound tracks.
    rate: Hz.
    heard: shares of the C channels in what the nets hear.
    kept: and in the channels of the result, the file's own up to stereo.
    told: what is heard, in words.
    odd: what of it had to be decided, '' where there was nothing.
  """
  index: int
  rate: int
  heard: Float[np.ndarray, '1 C']
  kept: Float[np.ndarray, 'K C']
  told: str
  odd: str


class OwnSound(NamedTuple):
  """A file's own sound, of so many samples at 16 kHz: filled up with silence or cut."""
  path: str
  track: Track
  samples: int

  @property
  def channels(self) -> int:
    """1 or 2."""
    return len(self.track.kept)

  def parts(self, rate: int) -> Iterator[Float[np.ndarray, 'S K']]:
    """The sound at `rate` Hz, resampled once."""
    left = round(self.samples * rate / SAMPLE_RATE)
    for part in resample_parts(_mixed(self.path, self.track, self.track.kept, None),
                               self.track.rate, rate):
      yield part[:left]
      left -= len(part[:left])
    yield np.zeros((left, self.channels), np.float32)


def has_audio(path) -> bool:
  """Whether the file has a sound track."""
  with opened(path) as container:
    return bool(container.streams.audio)


def read_audio(path, like_video: bool = False, track: Track | None = None,
               ) -> Float[np.ndarray, ' S']:
  """All that `iterate_audio` tells."""
  return np.concatenate(list(iterate_audio(path, like_video, track)))


def iterate_audio(path, like_video: bool = False, track: Track | None = None,
                  ) -> Iterator[Float[np.ndarray, ' S']]:
  """Speech of any file as 16 kHz mono float32, in parts: memory does not grow with its length.

  With `like_video`, time zero is the first video frame: earlier sound is cut, later sound padded.
  `track` is `choose_track(path)` where that is known.
  UserError when missing, empty, corrupt, silent of track, or shorter than 0.2 s.
  """
  track = track or choose_track(path)
  zero = _first_frame_time(path) if like_video else None
  mono = (part[:, 0] for part in _mixed(path, track, track.heard, zero))
  yield from resample_parts(mono, track.rate, SAMPLE_RATE)


def record_audio(path, track: Track | None = None) -> Recording:
  """Speech at 16 kHz from a file, kept on disk; whole video frames of it, the last filled up."""
  return Recording(iterate_audio(path, track=track), SAMPLES_PER_FRAME)


def choose_track(path) -> Track:
  """The default track, and how its channels are mixed so that speech has its full level.

  The whole sound is read once. Silent channels are left out, those of opposite phase are turned,
  and of more than two channels the centre is heard, where films have speech.

  Raises:
    UserError: no sound, or none that can be decoded.
  """
  with opened(path) as container:
    streams = container.streams.audio
    if not streams:
      raise UserError(f'{path}: has no sound track; give a file with speech')
    index, stream = default(path, streams, 'sound')
    names, rate, count, products = None, 0, 0, 0.0
    for frame in container.decode(stream):
      if names is None:
        names, rate = _names(frame.layout), frame.sample_rate
      if len(names) != frame.layout.nb_channels:
        raise UserError(f'{path}: its sound changes its number of channels; convert it first')
      samples = _channels(frame).astype(np.float64)
      count, products = count + samples.shape[1], products + samples @ samples.T
  if names is None:
    raise _too_short(path)
  covariance = products / max(count, 1)
  heard, how = _heard(names, covariance)
  level = 10 * np.log10(max(float(heard @ covariance @ heard), 1e-12))
  quiet = ', very quiet' if level < QUIET_DB else ''
  where, layout = f'track {index + 1} of {len(streams)}', _layout(len(names))
  odd = f'{where}, {layout}{how}' if how or len(streams) > 1 else ''
  return Track(index, rate, heard[None], _kept(names, covariance),
               f'{where}, {layout}, {rate} Hz{how}, level {level:.0f} dB{quiet}', odd)


def _names(layout) -> list[str]:
  """What the channels are: 'FL', 'FC', ...; as in most files where this one does not say it."""
  count = layout.nb_channels
  said = [channel.name for channel in layout.channels]
  if count in _UNNAMED and not set(said) & set(_DOWNMIX):
    said = [channel.name for channel in av.AudioLayout(_UNNAMED[count]).channels]
  return said


def _turned(covariance) -> Bool[np.ndarray, ' C']:
  """Which channels have the opposite phase of the loudest one."""
  power = np.diag(covariance)
  loudest = power.argmax()
  scale = np.sqrt(np.maximum(power * power[loudest], 1e-24))
  return (power >= SILENT * power[loudest]) & (covariance[loudest] / scale < OPPOSITE)


def _heard(names, covariance) -> tuple[np.ndarray, str]:
  """Shares of the channels in speech, and what is odd about them."""
  count, power = len(names), np.diag(covariance)
  loudest = int(power.argmax())
  speaks = power >= SILENT * power[loudest]
  speaks &= np.array([not name.startswith('LFE') for name in names])
  if not power[loudest] or not speaks.any():
    return np.full(count, 1 / count, np.float32), ''
  if count > 2 and 'FC' in names and speaks[names.index('FC')]:
    shares = np.float32([name == 'FC' for name in names])
    return shares, ', of which the centre is heard'
  opposite = speaks & _turned(covariance)
  shares = np.where(opposite, -1, speaks) / speaks.sum()
  told = [', channels of opposite phase: one is turned'] * bool(opposite.any())
  silent = [str(i + 1) for i in np.flatnonzero(~speaks)]
  if silent:
    told.append(f', of which channel {", ".join(silent)} is silent and left out')
  return shares.astype(np.float32), ''.join(told)


def _kept(names, covariance) -> Float[np.ndarray, 'K C']:
  """One or two channels as they are; more in two, the louder as loud as the loudest was."""
  if len(names) <= 2:
    return np.eye(len(names), dtype=np.float32)
  shares = np.array([_DOWNMIX.get(name, (BOTH, BOTH)) for name in names], np.float64).T
  shares = shares * np.where(_turned(covariance), -1, 1)
  power = np.einsum('kc,cd,kd->k', shares, covariance, shares).max()
  loudest = np.diag(covariance).max()
  return (shares * np.sqrt(loudest / power) if power > 0 else shares).astype(np.float32)


def _layout(channels: int) -> str:
  return {1: 'mono', 2: 'stereo'}.get(channels, f'{channels} channels')


def _mixed(path, track: Track, shares, zero) -> Iterator[Float[np.ndarray, 'S K']]:
  """The track's channels mixed by `shares` (K, C), from time `zero` or the first sample on."""
  with opened(path) as container:
    streams = container.streams.audio
    if track.index >= len(streams):
      raise UserError(f'{path}: changed while it was read')
    frames = container.decode(streams[track.index])
    first = next(frames, None)
    if first is None:
      raise _too_short(path)
    zero = (first.time or 0.0) if zero is None else zero
    yield from _placed(path, chain([first], frames), track.rate, zero, shares)


def _placed(path, frames, rate, zero, shares) -> Iterator[Float[np.ndarray, 'S K']]:
  """Samples of sound frames from time `zero` on; silence where no frame is stamped."""
  end = 0
  for frame in frames:
    if frame.sample_rate != rate:
      raise UserError(f'{path}: its sound changes its sample rate; convert it first')
    if frame.layout.nb_channels != shares.shape[1]:
      raise UserError(f'{path}: its sound changes its number of channels; convert it first')
    place = end if frame.time is None else round((frame.time - zero) * rate)
    place = end if end and abs(place - end) < STAMP_ERROR * rate else place
    if place - end > MAX_GAP * rate:
      raise UserError(f'{path}: its sound pauses for more than {MAX_GAP:g} s; convert it')
    gap = np.zeros((max(0, place - end), len(shares)), np.float32)
    mixed = (shares @ _channels(frame)).T
    piece = np.concatenate([gap, mixed[max(0, end - place):]])
    if not np.isfinite(piece).all():
      raise UserError(f'{path}: its sound holds values that are no numbers; the file is corrupt')
    end += len(piece)
    yield piece
  if end < MIN_SECONDS * rate:
    raise _too_short(path)


def _too_short(path) -> UserError:
  return UserError(f'{path}: its sound lasts under {MIN_SECONDS} s; give a file with speech')


def _first_frame_time(path) -> float | None:
  """Time stamp of the first video frame in s; None without one."""
  with opened(path) as container:
    if not films(container):
      return None
    return next((f.time for f in container.decode(film(path, container))), None)


def _channels(frame) -> Float[np.ndarray, 'C S']:
  """Samples of every channel as float32 in [-1, 1]."""
  samples = frame.to_ndarray()
  if not frame.format.is_planar:
    samples = samples.reshape(-1, frame.layout.nb_channels).T
  if samples.dtype == np.uint8:
    return (samples.astype(np.float32) - 128) / 128
  if samples.dtype.kind == 'i':
    return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
  return samples.astype(np.float32)
