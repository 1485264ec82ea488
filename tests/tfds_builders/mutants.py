"""Makes media files that are odd or broken, and runs a build over hundreds of them.

python -m tests.tfds_builders.mutants --count 300 --out FOLDER

prints how many of each kind became clips and why the others were skipped.
"""

import argparse
import collections
import csv
import struct
import sys
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from tests.tfds_builders.media_files import blob_detector, blob_frames, make_video
from tfds_builders.clip_folder.clip_folder_dataset_builder import Builder, FolderConfig
from tfds_builders.media.builder import build_media

USED, SKIPPED, EITHER = 'used', 'skipped', 'either'
SECONDS = 1.6


class Mutant(NamedTuple):
  """A kind of odd file: how it is made and whether it must still become a clip."""
  kind: str
  suffix: str
  make: object  # (path, random generator) -> None
  expected: str


class Codec(NamedTuple):
  """What a container holds."""
  video: str = 'libx264'
  audio: str = 'aac'
  rate: int = 48000
  fps: Fraction = Fraction(25)
  pixels: str = 'yuv420p'
  samples: str = ''


def encode(path, codec: Codec, seconds=SECONDS, stamps=None, silent_video=False) -> None:
  """Writes the moving square with a tone; `stamps` are the frames' times in ms."""
  count = round(seconds * codec.fps)
  at = np.minimum((np.arange(count) / float(codec.fps) * 25).astype(int), round(seconds * 25) - 1)
  frames = blob_frames(round(seconds * 25))[at]
  with av.open(str(path), 'w') as out:
    video = None
    if codec.video:
      video = out.add_stream(codec.video, rate=codec.fps)
      video.height, video.width, video.pix_fmt = *frames.shape[1:3], codec.pixels
      if stamps is not None:
        video.codec_context.time_base = Fraction(1, 1000)
    sound = out.add_stream(codec.audio, rate=codec.rate, layout='mono') if codec.audio else None
    for i, rgb in enumerate(frames if video else ()):
      frame = av.VideoFrame.from_ndarray(rgb, format='rgb24').reformat(format=codec.pixels)
      if stamps is not None:
        frame.pts, frame.time_base = int(stamps[i]), Fraction(1, 1000)
      out.mux(video.encode(frame))
    if sound:
      _encode_tone(out, sound, codec, seconds)
    for track in filter(None, (video, sound)):
      out.mux([packet for packet in track.encode(None) if packet.size])  # FLAC ends with none


def _encode_tone(out, sound, codec, seconds):
  tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * codec.rate)) / codec.rate)
  sound.codec_context.open(strict=False)  # only then its frame size is known
  resampler = av.AudioResampler(codec.samples or sound.codec_context.format.name, 'mono',
                                codec.rate, frame_size=sound.codec_context.frame_size or 1024)
  frame = av.AudioFrame.from_ndarray(tone[None].astype(np.float32), format='flt', layout='mono')
  frame.sample_rate = codec.rate
  for part in [*resampler.resample(frame), *resampler.resample(None)]:
    out.mux(sound.encode(part))


def _base(path):
  make_video(path, seconds=SECONDS)
  return bytearray(path.read_bytes())


def _truncated(path, random):
  data = _base(path)
  path.write_bytes(data[:int(len(data) * random.uniform(0.02, 0.98))])


def _flipped(path, random):
  data = _base(path)
  for place in random.integers(0, len(data), 2 ** random.integers(0, 9)):
    data[place] ^= 1 << random.integers(8)
  path.write_bytes(data)


def _noise(path, random):
  path.write_bytes(random.bytes(int(random.integers(1, 50_000))))


def _picture(path, random):
  pixels = random.integers(0, 255, (64, 64, 3), np.uint8)
  path.write_bytes(cv2.imencode('.png', pixels)[1].tobytes())


def _huge(path, random):
  """Says 65000 x 65000 px in the track header and in the sample description."""
  data = _base(path)
  at = data.find(b'avc1', data.find(b'stsd'))
  data[at + 28:at + 32] = struct.pack('>HH', 65000, 65000)
  path.write_bytes(data)


def _huge_pictures(path, random):
  """Every JPEG of the video says that it is 20000 x 20000 px."""
  encode(path, Codec(video='mjpeg', pixels='yuvj420p', audio='pcm_s16le'))
  start = b'\xff\xc0\x00\x11\x08'
  parts = path.read_bytes().split(start)
  size = struct.pack('>HH', 20000, 20000)
  path.write_bytes(start.join([parts[0], *(size + part[4:] for part in parts[1:])]))


def _variable_rate(path, random):
  count = round(SECONDS * 25)
  stamps = np.cumsum(random.uniform(15, 70, count))
  encode(path, Codec(), stamps=(stamps - stamps[0]).astype(int))


def _jump(path, random):
  stamps = np.arange(round(SECONDS * 25)) * 40
  stamps[20:] += 3_600_000 * int(random.integers(1, 20))
  encode(path, Codec(), stamps=stamps)


def _rotated(path, random):
  """Turns the picture by the matrix of the track header, as telephones do."""
  data = _base(path)
  at = data.find(b'tkhd') + 4 + 40
  quarter = [(0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)][random.integers(3)]
  a, b, c, d = (v * 65536 for v in quarter)
  data[at:at + 36] = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 0x40000000)
  path.write_bytes(data)


def _coded(**fields):
  return lambda path, random: encode(path, Codec(**fields))


def _short(path, random):
  make_video(path, seconds=float(random.uniform(0.04, 0.9)))


def _zero_length(path, random):
  path.touch()


MUTANTS = (
  Mutant('truncated', '.mp4', _truncated, EITHER),
  Mutant('bit-flipped', '.mp4', _flipped, EITHER),
  Mutant('noise as mp4', '.mp4', _noise, SKIPPED),
  Mutant('noise as avi', '.avi', _noise, SKIPPED),
  Mutant('picture as mp4', '.mp4', _picture, SKIPPED),
  Mutant('zero length', '.mp4', _zero_length, SKIPPED),
  Mutant('no sound track', '.mp4', _coded(audio=''), SKIPPED),
  Mutant('no video track', '.mp4', _coded(video=''), SKIPPED),
  Mutant('huge in the header', '.mp4', _huge, EITHER),
  Mutant('huge pictures', '.avi', _huge_pictures, SKIPPED),
  Mutant('under a second', '.mp4', _short, SKIPPED),
  Mutant('variable rate', '.mp4', _variable_rate, USED),
  Mutant('time stamps jump', '.mp4', _jump, SKIPPED),
  Mutant('rotated by metadata', '.mp4', _rotated, USED),
  Mutant('8 kHz', '.mp4', _coded(rate=8000), USED),
  Mutant('11.025 kHz', '.mov', _coded(rate=11025, audio='pcm_s16le'), USED),
  Mutant('96 kHz', '.mov', _coded(rate=96000, audio='pcm_s24le'), USED),
  Mutant('8-bit sound', '.avi', _coded(video='mjpeg', pixels='yuvj420p', audio='pcm_u8',
                                       rate=22050), USED),
  Mutant('24-bit sound', '.mkv', _coded(audio='pcm_s24le'), USED),
  Mutant('float sound', '.mkv', _coded(audio='pcm_f32le', rate=44100), USED),
  Mutant('flac sound', '.mkv', _coded(audio='flac', rate=44100), USED),
  Mutant('mp3 sound', '.mp4', _coded(audio='libmp3lame', rate=44100), USED),
  Mutant('mpg', '.mpg', _coded(video='mpeg1video', audio='mp2', rate=44100), USED),
  Mutant('mov', '.mov', _coded(fps=Fraction(24000, 1001)), USED),
  Mutant('avi', '.avi', _coded(video='mpeg4', audio='pcm_s16le', fps=Fraction(30)), USED),
  Mutant('webm', '.webm', _coded(video='libvpx', audio='libopus', fps=Fraction(60)), USED),
  Mutant('odd rate of pictures', '.mp4', _coded(fps=Fraction(12)), USED),
)


def make_mutants(root, count: int, seed: int = 0) -> dict[str, Mutant]:
  """Writes `count` files of all kinds in turn below `root`; {file: its kind}."""
  made = {}
  for i in range(count):
    mutant = MUTANTS[i % len(MUTANTS)]
    file = f'speaker{i % 7}/{i:04d}{mutant.suffix}'
    path = Path(root) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    mutant.make(path, np.random.default_rng([seed, i]))
    made[file] = mutant
  return made


def build_over(root, data, processes: int = 2) -> dict[str, dict]:
  """Builds a dataset over all files below `root`; {file: its row of the report}."""
  folder = build_media(Builder, data, FolderConfig(
    name='mutants', root=str(root), size=32, open_detector=blob_detector, max_bad=1.0,
    processes=processes))
  with (folder.parent / 'report.csv').open() as lines:
    return {row['file']: row for row in csv.DictReader(lines)}


def main():
  """Counts by kind and outcome; fails when a file is missing in the report or misjudged."""
  parser = argparse.ArgumentParser()
  parser.add_argument('--count', type=int, default=300)
  parser.add_argument('--out', required=True)
  args = parser.parse_args()
  made = make_mutants(Path(args.out) / 'raw', args.count)
  report = build_over(Path(args.out) / 'raw', Path(args.out) / 'data')
  outcomes = collections.defaultdict(collections.Counter)
  wrong = []
  for file, mutant in made.items():
    row = report[file]
    used = int(row['clips']) > 0
    outcomes[mutant.kind]['used' if used else row['reason']] += 1
    if mutant.expected != EITHER and used != (mutant.expected == USED):
      wrong.append((file, mutant.kind, row))
  for kind, counts in outcomes.items():
    print(f'{kind}: ' + '; '.join(f'{n} {what}' for what, n in counts.most_common()))
  print(f'{len(made)} files, all in the report; {len(wrong)} not as expected: {wrong}')
  sys.exit(bool(wrong))


if __name__ == '__main__':
  main()
