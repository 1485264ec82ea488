"""Do real faces lie inside the distribution of the drawn ones?

  python -m benchmarks.face_shapes --real PORTRAITS

Puts MediaPipe's landmarks of real portraits and the known landmarks of drawn speakers into the
stable frame (eye corners and nose bridge fixed) and prints, measure by measure, the range of both
and the share of real faces inside the drawn one. Portraits with closed lips are compared with drawn
faces at rest, neutral; then all portraits, as whole faces, with drawn faces that talk with any
emotion. Needs mediapipe; prints numbers only.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from benchmarks import table
from cemnet_jax import topology
from cemnet_jax.errors import UserError
from cemnet_jax.metrics.mouth_opening import mouth_opening
from cemnet_jax.nets import landmark_frame
from cemnet_jax.preprocess import face
from cemnet_jax.preprocess.synthetic.agreement import clip_motion
from cemnet_jax.preprocess.synthetic.geometry import landmarks, project
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import motion_tracks

PICTURES = '.png', '.jpg', '.jpeg'
CLOSED = .02  # lip gap, in distances of the outer eye corners, under which lips count as closed
RANGE = 1, 99  # percentiles of the drawn faces
KEPT = .98  # share of the drawn variance that the components of whole faces hold
WITHIN = 95  # percent of held-out drawn speakers inside the ellipsoid
CHIN, NOSE_TIP, BRIDGE = 12, 54, 45
LEVELS = {'cheekbones': 2, 'ear lobes': 4, 'jaw angle': 6, 'jaw': 8, 'chin': 10}  # of the oval
LIDS = ((63, 71), (79, 87))  # middle of the upper and of the lower lid, mesh 159/145 and 386/374


class Within(NamedTuple):
  """Shares of real faces inside the 95 % ellipsoid of drawn ones, and outside its components."""
  inside: float
  beside: float  # share whose rest outside the components is no larger than drawn faces' is
  components: int
  median_distance: float  # Mahalanobis distance of real faces over the drawn 95 % quantile


def aligned(points: Float[np.ndarray, 'F 131 2']) -> Float[np.ndarray, 'F 131 2']:
  """Landmarks in the stable frame, in percent of its side."""
  points = np.asarray(points, np.float32)
  similarity = landmark_frame.fit(points[:, topology.STABLE])
  return 100 * np.asarray(landmark_frame.to_frame(points, similarity), np.float64)


def measures(points: Float[np.ndarray, 'F 131 2']) -> dict[str, Float[np.ndarray, ' F']]:
  """Measures of faces in the stable frame; widths, heights and thicknesses in its percent."""
  x, y = points[..., 0], points[..., 1]
  found = {f'width at {name}': x[:, 24 - i] - x[:, i] for name, i in LEVELS.items()}
  found |= {f'height of {name}': (y[:, i] + y[:, 24 - i]) / 2
            for name, i in LEVELS.items() if name in ('jaw angle', 'jaw')}
  found['height of the chin point'] = y[:, CHIN]
  found['nose to chin'] = y[:, CHIN] - y[:, NOSE_TIP]
  found['nose length'] = y[:, NOSE_TIP] - y[:, BRIDGE]
  found['nose width'] = x[:, topology.NOSE_BOTTOM[-1]] - x[:, topology.NOSE_BOTTOM[0]]
  found['mouth width'] = np.linalg.norm(points[:, 101] - points[:, 91], axis=-1)
  found['mouth height'] = y[:, [topology.INNER_LIP_TOP, topology.INNER_LIP_BOTTOM]].mean(1)
  found['mouth corners under the middle'] = (
    y[:, topology.MOUTH_CORNERS].mean(1) - found['mouth height'])
  found['upper lip'] = y[:, topology.INNER_LIP_TOP] - y[:, 96]
  found['lower lip'] = y[:, 106] - y[:, topology.INNER_LIP_BOTTOM]
  brows = np.r_[topology.RIGHT_BROW[:5], topology.LEFT_BROW[:5]]  # upper rims
  found['brows over the eyes'] = y[:, topology.EYE_CORNERS].mean(1) - y[:, brows].mean(1)
  found['brows, outer under inner end'] = y[:, [25, 39]].mean(1) - y[:, [29, 35]].mean(1)
  found['eye height'] = np.mean([y[:, low] - y[:, up] for up, low in LIDS], 0)
  found['eye width'] = np.mean([np.linalg.norm(points[:, a] - points[:, b], axis=-1)
                                for a, b in ((59, 67), (75, 83))], 0)
  found['eye distance'] = x[:, 75] - x[:, 67]
  found['nose tip aside'] = x[:, NOSE_TIP]
  found['jaw aside'] = x[:, 6] + x[:, 18]
  found['chin aside'] = x[:, CHIN]
  return found


def portraits(folder: Path, detect) -> Float[np.ndarray, 'F 131 2']:
  """Landmarks of the face in every picture below `folder`, px.

  Raises:
    UserError: no pictures, an unreadable one, or one without a face.
  """
  files = sorted(p for p in folder.rglob('*') if p.suffix.lower() in PICTURES)
  if not files:
    raise UserError(f'{folder}: no pictures ({", ".join(PICTURES)})')
  found = []
  for path in files:
    picture = cv2.imread(str(path))
    if picture is None:
      raise UserError(f'{path}: not a readable picture')
    found.append(face.picture_landmarks(picture[..., ::-1], detect, path))
  return np.stack(found)


def at_rest(speakers: int) -> Float[np.ndarray, 'F 131 2']:
  """One frame of every speaker, who is neutral and silent."""
  frames = []
  for identity in map(make_identity, range(speakers)):
    motion = motion_tracks([('_', 0., .8)], 20, 'neutral', 1, identity, (0,))
    frames.append(_known(identity, motion.take([10]), blinking=False))
  return np.concatenate(frames)


def talking(speakers: int) -> Float[np.ndarray, 'F 131 2']:
  """One frame of every speaker and emotion, in the midst of any sound."""
  frames = []
  for speaker in range(speakers):
    for emotion in topology.EMOTIONS:
      motion = clip_motion(speaker, emotion)
      at = (7 * speaker + 5 * topology.EMOTIONS.index(emotion)) % len(motion.blink)
      frames.append(_known(make_identity(speaker), motion.take([at])))
  return np.concatenate(frames)


def _known(identity, motion, blinking=True):
  blink = motion.blink if blinking else np.zeros_like(motion.blink)
  points, _ = landmarks(identity, motion.units(), motion.viseme, blink)
  return project(points, motion.pose, 1, identity.camera.distance)


def within(real: Float[np.ndarray, 'F D'], drawn: Float[np.ndarray, 'G D']) -> Within:
  """Where real faces lie in the principal components of drawn ones.

  The components come from the first half of `drawn`, the 95 % limits from the second.
  """
  fitted, held_out = np.array_split(drawn, 2)
  centre = fitted.mean(0)
  _, spread, axes = np.linalg.svd(fitted - centre, full_matrices=False)
  count = 1 + int(np.searchsorted(np.cumsum(spread**2) / (spread**2).sum(), KEPT))
  axes, scale = axes[:count], spread[:count] / np.sqrt(len(fitted) - 1)

  def distances(faces):
    scores = (faces - centre) @ axes.T
    rest = np.linalg.norm(faces - centre - scores @ axes, axis=1)
    return np.linalg.norm(scores / scale, axis=1), rest

  limits = [np.percentile(d, WITHIN) for d in distances(held_out)]
  near, rest = distances(real)
  return Within(float((near <= limits[0]).mean()), float((rest <= limits[1]).mean()), count,
                float(np.median(near) / limits[0]))


def report(real: Float[np.ndarray, 'F 131 2'], speakers: int) -> list[str]:
  """Lines of the table."""
  closed = mouth_opening(real) < CLOSED
  rest = aligned(at_rest(speakers))
  ours, theirs = measures(rest), measures(aligned(real[closed]))
  lines = [table.line('measure, % of the stable frame', 'real: least, mean, most',
                      'drawn: 1 %, mean, 99 %', 'spread real / drawn', 'real inside')]
  lines.append(table.rule(5))
  for name, values in theirs.items():
    low, high = np.percentile(ours[name], RANGE)
    inside = np.mean((values >= low) & (values <= high))
    lines.append(table.line(
      name, f'{values.min():.1f}, {values.mean():.1f}, {values.max():.1f}',
      f'{low:.1f}, {ours[name].mean():.1f}, {high:.1f}',
      f'{values.std() / ours[name].std():.2f}', f'{100 * inside:.0f} %'))
  share = np.mean([np.mean((v >= np.percentile(ours[n], RANGE[0]))
                           & (v <= np.percentile(ours[n], RANGE[1]))) for n, v in theirs.items()])
  lines += ['', f'{closed.sum()} portraits with closed lips, {speakers} drawn speakers; '
            f'mean share inside: {100 * share:.0f} %']
  faces = (('closed lips, at rest', aligned(real[closed]), rest),
           ('all portraits, talking', aligned(real), aligned(talking(speakers))))
  for name, portrait, drawn in faces:
    found = within(portrait.reshape(len(portrait), -1), drawn.reshape(len(drawn), -1))
    lines.append(
      f'{name}: {100 * found.inside:.0f} % of {len(portrait)} inside the {WITHIN} % ellipsoid of '
      f'drawn faces in {found.components} components (median distance '
      f'{found.median_distance:.2f} of it); {100 * found.beside:.0f} % as near to the components '
      'as drawn faces')
  return lines


def main(argv: list[str] | None = None) -> int:
  """Prints the table; exit code 2 on bad input."""
  parser = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument('--real', required=True, type=Path, help='folder of portraits')
  parser.add_argument('--landmarker', help='face_landmarker.task')
  parser.add_argument('--speakers', type=int, default=400)
  parser.add_argument('--out', type=Path, help='write the lines here, too')
  args = parser.parse_args(argv)
  try:
    with face.landmarker(args.landmarker) as detect:
      real = portraits(args.real, detect)
    table.emit(report(real, args.speakers), args.out)
  except UserError as error:
    print(f'error: {error}')
    return 2
  return 0


if __name__ == '__main__':
  raise SystemExit(main())
