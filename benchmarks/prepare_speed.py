"""What preparing a clip costs on one core, and what bounds it.

  taskset -c 0 python -m benchmarks.prepare_speed --landmarker face_landmarker.task

Films a synthetic speaker at the sizes of the datasets (LRS2: 160 px at 25 fps, MEAD: 1920 x 1080 at
30 fps) and times each part of `tfds_builders.media.clips` on it, and the whole. `--video FILE`
measures a video of your own. `x real time` is seconds of video per second of one core.
"""

import argparse
import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from cemnet_jax.preprocess import face, video
from cemnet_jax.preprocess.clip_record import make_record
from cemnet_jax.preprocess.synthetic.agreement import clip_motion
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.render import FaceRenderer
from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME
from tfds_builders.media.clips import Settings, process_file
from tfds_builders.media.entry import Entry
from tfds_builders.media.run import make_tasks

SOURCES = {'LRS2': (160, 160, 25), 'MEAD': (1080, 1920, 30)}  # height, width, fps
REPEATS = 3


def film(path, height, width, fps) -> None:
  """Four seconds of a speaking synthetic face in the middle of the picture, with a tone."""
  frames, _ = FaceRenderer(make_identity(3), 256, 1).frames(clip_motion(3, 'happy'))
  frames = np.concatenate([frames, frames[::-1]])
  side = min(height, width)
  left = (width - side) // 2
  with av.open(str(path), 'w') as out:
    stream = out.add_stream('libx264', rate=Fraction(fps), options={'preset': 'fast'})
    stream.height, stream.width, stream.pix_fmt = height, width, 'yuv420p'
    sound = out.add_stream('aac', rate=48000, layout='mono')
    for i in range(4 * fps):
      canvas = np.full((height, width, 3), 90, np.uint8)
      picture = frames[int(i / fps * FPS) % len(frames)]
      canvas[:side, left:left + side] = cv2.resize(picture, (side, side))
      out.mux(stream.encode(av.VideoFrame.from_ndarray(canvas, format='rgb24')))
    tone = 0.3 * np.sin(np.arange(4 * 48000) * 0.05).astype(np.float32)
    for start in range(0, len(tone) - 1023, 1024):
      frame = av.AudioFrame.from_ndarray(tone[None, start:start + 1024], 'fltp', 'mono')
      frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
      out.mux(sound.encode(frame))
    for track in (stream, sound):
      out.mux(track.encode(None))


def best(function):
  """Least seconds of a few calls, and the result."""
  seconds, result = [], None
  for _ in range(REPEATS):
    start = time.perf_counter()
    result = function()
    seconds.append(time.perf_counter() - start)
  return min(seconds), result


def measure(name, path, landmarker, mode) -> None:
  """Prints one line: ms a frame of each part, and the speed of the whole."""
  decode, frames = best(lambda: list(video.iterate_frames(path)))
  sound, audio = best(lambda: video.read_audio(path, like_video=True))
  frames = frames[:len(audio) // SAMPLES_PER_FRAME]
  with face.landmarker(landmarker, tracking=mode == 'video') as detect:
    detecting, landmarks = best(
      lambda: face.video_landmarks(frames, detect, mode == 'video').landmarks)
  pcm = np.zeros(len(frames) * SAMPLES_PER_FRAME, np.int16)
  crop, record = best(lambda: make_record(frames, landmarks, pcm, size=128))
  with tempfile.TemporaryDirectory() as kept:
    settings = Settings(mode=mode, landmarker=str(landmarker or ''))
    tasks = make_tasks(path.parent, [Entry(path.name, 'x')], settings, kept)
    process_file(tasks[0], lambda: None)  # loads what is loaded once
    def whole():
      os.remove(tasks[0].kept)
      process_file(tasks[0], lambda: None)
    total, _ = best(whole)
    disk = os.path.getsize(tasks[0].kept) / len(frames)
  count = len(frames)
  parts = '  '.join(f'{1000 * s / count:6.2f}' for s in (decode, sound, detecting, crop, total))
  print(f'{name:<6} {mode:<6} {parts}   {count / total:6.1f}   {count / FPS / total:5.2f}   '
        f'{disk / 1000:6.2f}', flush=True)


def main():
  """Prints a table."""
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--landmarker')
  parser.add_argument('--video', type=Path)
  args = parser.parse_args()
  print('                       ms a frame                                       x real')
  print('source mode   decode   sound  detect  crop     whole   frames/s    time   kB/frame')
  with tempfile.TemporaryDirectory() as folder:
    sources = {args.video.stem[:6]: args.video} if args.video else {}
    for name, size in ({} if args.video else SOURCES).items():
      sources[name] = Path(folder) / f'{name}.mp4'
      film(sources[name], *size)
    for name, path in sources.items():
      for mode in ('image', 'video'):
        measure(name, path, args.landmarker, mode)


if __name__ == '__main__':
  main()
