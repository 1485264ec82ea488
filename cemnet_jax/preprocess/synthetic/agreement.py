"""How well MediaPipe's FaceLandmarker agrees with the known landmarks of synthetic faces.

  python -m cemnet_jax.preprocess.synthetic.agreement --landmarker face_landmarker.task

Needs the optional package mediapipe. Distances are in percent of the face's width, which is the
x-extent of the known oval points.
"""

import argparse
import os
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax import topology
from cemnet_jax.errors import UserError
from cemnet_jax.files import whole
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import Motion, motion_tracks
from cemnet_jax.preprocess.synthetic.render import FaceRenderer

GROUPS = {
  'oval': topology.OVAL, 'right brow': topology.RIGHT_BROW, 'left brow': topology.LEFT_BROW,
  'nose bridge': topology.NOSE_BRIDGE, 'nose bottom': topology.NOSE_BOTTOM,
  'right eye': topology.RIGHT_EYE, 'left eye': topology.LEFT_EYE,
  'outer lip': topology.OUTER_LIP, 'inner lip': topology.INNER_LIP, 'lips': topology.LIPS,
  'all': np.arange(topology.NUM_LANDMARKS)}
# Open, spread, round, closed, tucked and tongue visemes, with silence at both ends.
_PHONES = '_ HH AE P IY F AA TH UW S M OW CH AW B IH L ER V EY W AO N _'.split()


class Agreement(NamedTuple):
  """Known and detected landmarks, pixels; rows of frames without a detection are NaN."""

  frames: UInt8[np.ndarray, 'F S S 3']
  known: Float[np.ndarray, 'F 131 2']
  detected: Float[np.ndarray, 'F 131 2']

  def found(self) -> float:
    """Share of frames in which a face was found."""
    return float(np.isfinite(self.detected[:, 0, 0]).mean())

  def distance(self) -> Float[np.ndarray, 'F 131']:
    """Distance of every point in percent of the face's width."""
    oval = self.known[:, topology.OVAL, 0]
    width = oval.max(1) - oval.min(1)
    return 100 * np.linalg.norm(self.detected - self.known, axis=-1) / width[:, None]


def clip_motion(speaker: int, emotion: str) -> Motion:
  """Two seconds of speech through the mouth shapes of all visemes, at full intensity."""
  phones = [(phone, .08 * i, .08 * (i + 1)) for i, phone in enumerate(_PHONES)]
  identity = make_identity(speaker)
  return motion_tracks(phones, int(.08 * len(_PHONES) * topology.FPS), emotion, 3, identity, (7,))


def detect(frames: UInt8[np.ndarray, 'F S S 3'], landmarker: str) -> Float[np.ndarray, 'F 131 2']:
  """Landmarks that FaceLandmarker finds in RGB pictures, pixels; NaN where it finds no face."""
  import mediapipe
  from mediapipe.tasks.python import BaseOptions, vision
  if not os.path.isfile(landmarker):
    raise UserError(f'{landmarker}: no such file; give the path of a face_landmarker.task')
  options = vision.FaceLandmarkerOptions(base_options=BaseOptions(model_asset_path=landmarker))
  found = np.full((len(frames), topology.NUM_LANDMARKS, 2), np.nan)
  with vision.FaceLandmarker.create_from_options(options) as detector:
    for i, frame in enumerate(frames):
      picture = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(frame))
      faces = detector.detect(picture).face_landmarks
      if faces:
        mesh = np.array([(point.x, point.y) for point in faces[0]])
        found[i] = mesh[topology.MESH_IDS] * frame.shape[1::-1]
  return found


def measure(landmarker: str, speakers=range(8), frames_each: int = 4, size: int = 256
            ) -> Agreement:
  """Render `frames_each` frames of every speaker and emotion and compare their landmarks."""
  frames, known = [], []
  for speaker in speakers:
    renderer = FaceRenderer(make_identity(speaker), size, 1)
    for emotion in topology.EMOTIONS:
      motion = clip_motion(speaker, emotion)
      # Every emotion samples other mouth shapes.
      offset = topology.EMOTIONS.index(emotion) + speaker
      step = len(motion.blink) // frames_each
      index = np.arange(frames_each) * step + offset % step
      pictures, points = renderer.frames(motion.take(index))
      frames.append(pictures)
      known.append(points)
  frames, known = np.concatenate(frames), np.concatenate(known)
  return Agreement(frames, known, detect(frames, landmarker))


def report(agreement: Agreement) -> str:
  """A table of mean distances per group, and the detection rate."""
  distance = agreement.distance()
  lines = [f'{len(distance)} frames, faces found in {100 * agreement.found():.1f} %',
           f'{"group":<12} {"mean":>6} {"worst frame":>12}   (% of face width)']
  for name, index in GROUPS.items():
    per_frame = distance[:, index].mean(1)
    lines.append(f'{name:<12} {np.nanmean(per_frame):6.2f} {np.nanmax(per_frame):12.2f}')
  return '\n'.join(lines)


def contact_sheet(agreement: Agreement, columns: int = 8, count: int = 48
                  ) -> UInt8[np.ndarray, 'H W 3']:
  """Frames with known points in green and detected ones in red."""
  import cv2
  tiles = []
  chosen = np.linspace(0, len(agreement.frames) - 1, min(count, len(agreement.frames))).astype(int)
  for i in chosen:
    tile = agreement.frames[i].copy()
    for points, colour in ((agreement.known[i], (0, 255, 0)), (agreement.detected[i], (255, 0, 0))):
      for x, y in points[np.isfinite(points[:, 0])]:
        cv2.circle(tile, (int(x * 16), int(y * 16)), 16, colour, -1, cv2.LINE_AA, 4)
    tiles.append(tile)
  tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
  rows = [np.concatenate(tiles[i:i + columns], 1) for i in range(0, len(tiles), columns)]
  return np.concatenate(rows)


def _write_picture(path: str, picture: UInt8[np.ndarray, 'H W 3']) -> None:
  import cv2
  with whole(path, '.png') as beside:
    cv2.imwrite(str(beside), picture[..., ::-1])


def main(argv: list[str] | None = None) -> int:
  """Print the report; exit code 2 on bad input."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--landmarker', required=True, help='path of face_landmarker.task')
  parser.add_argument('--speakers', type=int, default=8)
  parser.add_argument('--frames', type=int, default=4, help='frames per speaker and emotion')
  parser.add_argument('--size', type=int, default=256, help='pixels')
  parser.add_argument('--out', help='write a contact sheet (PNG) here')
  args = parser.parse_args(argv)
  try:
    agreement = measure(args.landmarker, range(args.speakers), args.frames, args.size)
    print(report(agreement))
    if args.out:
      _write_picture(args.out, contact_sheet(agreement))
  except (UserError, ImportError, OSError) as error:
    print(f'error: {error}')
    return 2
  return 0


if __name__ == '__main__':
  raise SystemExit(main())
