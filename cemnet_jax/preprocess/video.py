"""Pictures of any video through PyAV: upright RGB at 25 fps, as players show them.

Time zero is the first video frame's time stamp, and pictures are taken at k / 25 s, whatever the
file's rate and offset. The sound that belongs to them is on the same clock, see `sound`.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import av
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import Type as SideData
from av.stream import Disposition
from av.video.reformatter import ColorTrc, Interpolation
from jaxtyping import Float, Int, UInt8

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.container import MAX_GAP, film, films, opened
from cemnet_jax.preprocess.picture import composite, is_picture, read_picture
from cemnet_jax.preprocess.sound import has_audio, read_audio
from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME

HDR = {ColorTrc.SMPTE2084: 'HDR10 (PQ)', ColorTrc.ARIB_STD_B67: 'HLG'}  # transfer -> its name
# libswscale's own conversion of primaries and transfer to those of pictures on a screen.
_TO_SDR = 'out_primaries=bt709:out_transfer=iec61966-2-1:intent=relative_colorimetric'
_WIDE = (9, 11, 12)  # primaries of BT.2020, DCI-P3 and Display P3: greyish when shown as they are


class Video(NamedTuple):
  """Frames at 25 fps and the sound that belongs to them."""
  frames: UInt8[np.ndarray, 'T H W 3']
  audio: Float[np.ndarray, ' S'] | None  # 16 kHz mono in [-1, 1], S = 640 T; None without sound


def read_video(path, need_audio: bool = False) -> Video:
  """All frames of a video at 25 fps and its sound, both trimmed to the shorter one.

  UserError when the file is missing, empty, corrupt, without pictures, or, with `need_audio`,
  without sound.
  """
  frames = np.stack(list(iterate_frames(path)))
  audio = read_audio(path, like_video=True) if need_audio or has_audio(path) else None
  if audio is None:
    return Video(frames, None)
  count = min(len(frames), len(audio) // SAMPLES_PER_FRAME)
  if not count:
    raise UserError(f'{path}: its sound is shorter than one video frame; give another file')
  return Video(frames[:count], audio[:count * SAMPLES_PER_FRAME])


def iterate_frames(path, shrink: int = 1) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
  """Upright RGB frames at 25 fps by time, one at a time: memory does not grow with length.

  Output k shows the last source frame stamped no later than k / 25 s plus half a frame of the
  faster of the two rates, so that a 30 fps source is neither early nor late on average.
  `shrink` divides both sides, by area means before the costly change to RGB. What is transparent
  is shown over white, and HDR has the colours of ordinary video. A still picture is one frame.
  """
  if is_picture(path):
    yield read_picture(path)
    return
  with opened(path) as container:
    _refuse_tiles(path, container)
    stream = film(path, container)
    stream.thread_type = 'AUTO'
    rate = float(stream.average_rate or FPS)
    slack = 0.5 / max(rate, FPS)
    shown, first, out, now = None, None, 0, 0.0  # `shown`: makes the RGB picture when wanted
    for i, frame in enumerate(container.decode(stream)):
      stamp = i / rate if frame.time is None else frame.time
      first = stamp if first is None else first
      if abs(stamp - first - now) > MAX_GAP:
        raise UserError(f'{path}: its time stamps jump by more than {MAX_GAP:g} s; convert it')
      now = stamp - first
      while shown is not None and out / FPS + slack < now:
        yield shown()
        out += 1
      shown = functools.cache(functools.partial(_upright, frame, stream, shrink))
    if shown is None:
      raise UserError(f'{path}: holds no video frame; the file is empty or corrupt')
    for _ in range(out, max(1, round((now + min(1 / rate, MAX_GAP)) * FPS))):
      yield shown()


def remarks(path) -> list[str]:
  """What is decided about the pictures of a video, where there was something to decide."""
  if is_picture(path):
    return []
  with opened(path) as container:
    _refuse_tiles(path, container)
    stream, streams = film(path, container), films(container)
    frame = next(container.decode(stream), None)
    told = [f'video track {streams.index(stream) + 1} of {len(streams)} is shown'
            ] * (len(streams) > 1)
    if frame is not None and frame.color_trc in HDR:
      told.append(f'{HDR[frame.color_trc]} is converted to the colours of ordinary video; what is '
                  'brighter than its white is white')
    if frame is not None and _transparent(frame):
      told.append('what is transparent is shown over white')
  return told


def upright(rgb: UInt8[np.ndarray, 'H W 3'], matrix: Int[np.ndarray, '3 3'] | None,
            ) -> UInt8[np.ndarray, 'h w 3']:
  """A picture turned and mirrored as a display matrix says, to the nearest quarter turn.

  The matrix is FFmpeg's: a pixel at (x, y) is shown at (a x + c y, b x + d y), where its rows are
  (a, b, u), (c, d, v), (x, y, w).
  """
  if matrix is None:
    return rgb
  (a, b), (c, d) = np.int64(matrix[:2, :2])
  if abs(a) + abs(d) < abs(b) + abs(c):
    rgb, a, d = rgb.transpose(1, 0, 2), c, b
  return np.ascontiguousarray(rgb[::-1 if d < 0 else 1, ::-1 if a < 0 else 1])


def _refuse_tiles(path, container) -> None:
  """A HEIF picture of tiles looks like as many videos of one frame."""
  tiles = any(s.disposition & Disposition.dependent for s in container.streams.video)
  if tiles and not films(container):
    raise UserError(f'{path}: is a picture of several tiles, of which only one would be read; save '
                    'it as JPEG or PNG')


def _transparent(frame) -> bool:
  return any(component.is_alpha for component in frame.format.components)


def _upright(frame, stream, shrink) -> UInt8[np.ndarray, 'H W 3']:
  """RGB pixels with the display matrix applied, square pixels, both sides `shrink` times less."""
  width = round(frame.width * float(stream.sample_aspect_ratio or 1)) // shrink
  height, alpha = frame.height // shrink, _transparent(frame)
  matrix = _display_matrix(frame)
  if frame.color_trc in HDR or frame.color_primaries in _WIDE:
    frame = _to_sdr(frame)
  pixels = frame.reformat(
    format='rgba' if alpha else 'rgb24', width=width, height=height,
    interpolation=Interpolation.AREA if shrink > 1 else None,
    src_color_range=frame.color_range).to_ndarray()
  return upright(composite(pixels) if alpha else pixels, matrix)


def _display_matrix(frame) -> Int[np.ndarray, '3 3'] | None:
  data = frame.side_data.get(SideData.DISPLAYMATRIX)
  return None if data is None else np.frombuffer(bytes(data), '<i4').reshape(3, 3)


def _to_sdr(frame) -> av.VideoFrame:
  """The same picture in the colours of ordinary screens, by libswscale's filter."""
  graph = Graph()
  source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format,
                            time_base=frame.time_base)
  graph.link_nodes(source, graph.add('scale', _TO_SDR), graph.add('format', 'pix_fmts=rgba'),
                   graph.add('buffersink')).configure()
  graph.push(frame)
  return graph.pull()
