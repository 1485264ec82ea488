"""At the picture's own resolution pixels come from the references, and changes are added."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from cemnet_jax.infer import native
from cemnet_jax.infer.forward import Painting
from cemnet_jax.topology import INNER_LIP
from tests.infer.tiny_system import drawn_face

SIZE, SIDE = 32, 160
BOX = np.float32([20, 10, 20 + SIDE, 10 + SIDE])
REGION = 40, 90, 160, 160  # of the frame; within the box


@pytest.fixture(scope='module')
def frame():
  noise = np.random.default_rng(0).integers(40, 200, (190, 200, 3)).astype(np.uint8)
  return cv2.GaussianBlur(noise, (0, 0), 1.5)


@pytest.fixture(scope='module')
def landmarks():
  """A face whose lips are apart."""
  points = drawn_face(1)[0].copy()
  angle = np.linspace(0, 2 * np.pi, len(INNER_LIP), endpoint=False)
  centre = points[INNER_LIP].mean(axis=0)
  points[INNER_LIP] = centre + np.stack([0.14 * np.cos(angle), 0.06 * np.sin(angle)], -1)
  return points


def crop_of(frame):
  return cv2.resize(frame[10:10 + SIDE, 20:20 + SIDE], (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def sources(*frames, side=SIDE):
  return native.sources(frames, np.stack([BOX] * len(frames)), np.stack(list(map(crop_of, frames))),
                        side)


def painted(frames, shift=(0, 0), change=0.0, share=None):
  """As if the net warped by one shift (crop sides) and painted one change."""
  crop = np.mean([crop_of(f) for f in frames], axis=0, dtype=np.float32) / 255
  displacement = np.broadcast_to(np.float32(shift), (len(frames), SIZE, SIZE, 2)).copy()
  share = np.full(len(frames), 1 / len(frames)) if share is None else np.float32(share)
  return Painting(crop + np.float32(change), crop, displacement,
                  np.broadcast_to(share[:, None, None], (len(frames), SIZE, SIZE)).astype(
                    np.float32).copy(), np.ones((SIZE, SIZE), np.float32))


def region_of(frame):
  left, top, right, bottom = REGION
  return frame[top:bottom, left:right].astype(np.float32)


def test_no_flow_and_no_change_are_the_reference_itself(frame, landmarks):
  got = native.compose(painted([frame]), sources(frame), landmarks, BOX, REGION)
  assert np.abs(got - region_of(frame)).max() < 0.51


def test_a_flow_moves_the_references_own_pixels(frame, landmarks):
  shift = np.array([3.3, -2.6]) / SIDE
  got = native.compose(painted([frame], shift), sources(frame), landmarks, BOX, REGION)
  left, top, right, bottom = REGION
  y, x = np.mgrid[top:bottom, left:right]
  want = np.stack([map_coordinates(frame[..., c].astype(float), [y - 2.6, x + 3.3], order=3)
                   for c in range(3)], -1)
  assert np.abs(got - want).mean() < 1.0 and np.corrcoef(got.ravel(), want.ravel())[0, 1] > 0.998


@pytest.mark.parametrize('share', [[0.25, 0.75], [0.5, 0.5]])
def test_shares_mix_the_references_colours_and_one_gives_the_detail(frame, landmarks, share):
  other = np.clip(frame[::-1].astype(int) - 40, 0, 255).astype(np.uint8)  # darker
  got = native.compose(painted([frame, other], share=share), sources(frame, other),
                       landmarks, BOX, REGION)
  colours = lambda x: cv2.GaussianBlur(np.float32(x), (0, 0), native.DETAIL * SIDE / SIZE)
  pictures = [region_of(frame), region_of(other)]
  mixed, low = (sum(w * x for w, x in zip(share, of)) for of in (pictures, map(colours, pictures)))
  first = pictures[np.argmax(share)]
  assert np.abs(got - (low + first - colours(first))).max() < 2
  texture = lambda x: np.abs(cv2.Laplacian(np.float32(x), cv2.CV_32F)).mean()
  assert texture(got) > 0.97 * texture(first) > 1.2 * texture(mixed)


def test_a_change_is_added_and_fades_the_detail_below_it(frame, landmarks):
  lips = np.rint(landmarks[INNER_LIP] * SIDE + BOX[:2]).astype(int)
  inset = np.ptp(lips, axis=0) // 5  # the corners of their box lie outside
  (left, top), (right, bottom) = lips.min(axis=0) + inset, lips.max(axis=0) - inset
  plain = frame[top:bottom, left:right].astype(np.float32)
  texture = lambda x: np.abs(cv2.Laplacian(x, cv2.CV_32F)).mean()
  faint, strong = (native.compose(painted([frame], change=c), sources(frame), landmarks, BOX,
                                  (left, top, right, bottom)) for c in (0.02, 0.3))
  assert abs((faint - plain).mean() - 0.02 * 255) < 0.5
  assert texture(faint) > 0.9 * texture(plain) and texture(strong) < 0.4 * texture(plain)


def test_colours_that_no_reference_holds_are_painted_in_the_mouth_only(landmarks):
  grey = np.full((190, 200, 3), 120, np.uint8)
  flash = native.compose(painted([grey], change=0.4), sources(grey), landmarks, BOX,
                         (20, 10, 180, 170))
  lips = landmarks[INNER_LIP]
  x, y = np.rint(lips.mean(axis=0) * SIDE).astype(int)
  limit = 120 + 255 * native.LEEWAY + 0.5
  assert flash[y, x].min() > 120 + 0.35 * 255
  away = np.ones(flash.shape[:2], bool)
  away[int(lips[:, 1].min() * SIDE) - 20:int(lips[:, 1].max() * SIDE) + 20] = False
  assert flash[away].max() <= limit


def test_finer_references_are_shrunk_to_the_canvas(frame):
  found = sources(frame, side=40)
  assert found.sides[0, 0] == pytest.approx(40, abs=1)
  assert found.pictures[0].shape[0] < 60 and sources(frame).sides[0, 0] == SIDE


def test_a_reference_at_the_edge_of_its_picture(frame, landmarks):
  box = np.float32([-60, 60, 100, 220])  # beyond it on two sides
  crop = np.zeros((1, SIZE, SIZE, 3), np.uint8)
  found = native.sources([frame], box[None], crop, SIDE)
  got = native.compose(painted([frame]), found, landmarks, BOX, REGION)
  assert np.isfinite(got).all() and got.shape == region_of(frame).shape


def test_a_flow_that_tears_or_leaves_the_reference_is_not_followed(frame, landmarks):
  """There the face is what the net drew, enlarged; elsewhere it keeps its detail."""
  rough = painted([frame])
  rough.displacement[0, 20:24, 8:24, 1] = 0.4  # far down, with edges
  rough.displacement[0, 26:28, 8:24, 1] = 2.0  # out of the picture
  plain = native.compose(painted([frame]), sources(frame), landmarks, BOX, REGION)
  got = native.compose(rough, sources(frame), landmarks, BOX, REGION)
  smooth = native.compose(painted([frame])._replace(
    displacement=np.full_like(rough.displacement, 2.0)), sources(frame), landmarks, BOX, REGION)
  row = lambda y: y * SIDE // SIZE + int(BOX[1]) - REGION[1]
  edge, out, far = (slice(row(a), row(b)) for a, b in ((20, 21), (26, 28), (16, 17)))
  columns = slice(40, 60)
  np.testing.assert_allclose(got[out, columns], smooth[out, columns], atol=1)
  left, without = (np.abs(x - smooth)[edge, columns].mean() for x in (got, plain))
  assert left < 0.2 * without
  np.testing.assert_allclose(got[far, columns], plain[far, columns], atol=1)


def test_the_landmarks_flow_takes_the_place_of_the_painted_one(frame, landmarks):
  shift = np.float32([3.3, -2.6]) / SIDE
  flow = np.ones((1, 64, 64, 3), np.float32)
  flow[..., :2] = shift
  one, other = (native.compose(painted([frame], s), sources(frame), landmarks, BOX, REGION, f)
                for s, f in ((shift, None), ((0.3, 0), flow)))
  np.testing.assert_allclose(one, other, atol=0.5)


def test_what_no_reference_shows_is_painted_up_to_an_edge_of_its_own(frame, landmarks):
  """Red in a hole of 8 px of the net's crop, and not a pixel of red or of missing skin around."""
  picture, fine = painted([frame]), 64
  hole = slice(12, 20), slice(20, 24)
  picture.image[hole[1], hole[0]] = (1, 0, 0)
  flow = np.zeros((2, fine, fine, 3), np.float32)
  flow[..., 2] = 1
  flow[:, 40:48, 24:40, 2] = 0  # the same hole
  lips = landmarks.copy()  # apart there, and somewhat around it
  side = np.linspace(9, 23, 6)
  lips[INNER_LIP] = np.concatenate([
    np.stack([side, np.full(6, 17)], -1), [(23, 19), (23, 21), (23, 23), (23, 25)],
    np.stack([side[::-1], np.full(6, 27)], -1), [(9, 25), (9, 23), (9, 21), (9, 19)]]) / SIZE
  both = native.sources([frame] * 2, np.stack([BOX] * 2), np.stack([crop_of(frame)] * 2), SIDE)
  picture = picture._replace(displacement=np.zeros((2, SIZE, SIZE, 2), np.float32),
                             share=np.full((2, SIZE, SIZE), 0.5, np.float32))
  got = native.compose(picture, both, lips, BOX, REGION, flow)
  left, top = REGION[:2]
  scale = SIDE / SIZE
  x0, x1, y0, y1 = (round(at * scale + corner) for at, corner in (
    (12, BOX[0] - left), (20, BOX[0] - left), (20, BOX[1] - top), (24, BOX[1] - top)))
  edge = round(SIDE / fine)
  inside = got[y0 + edge:y1 - edge, x0 + edge:x1 - edge]
  assert np.abs(inside - (255, 0, 0)).max() < 12
  around = np.ones(got.shape[:2], bool)
  around[y0 - edge:y1 + edge, x0 - edge:x1 + edge] = False
  assert np.abs(got - region_of(frame))[around].max() < 1.0
  shut = lips.copy()
  shut[INNER_LIP, 1] = 22 / SIZE + (lips[INNER_LIP, 1] - 22 / SIZE) / 10
  closed = native.compose(picture, both, shut, BOX, REGION, flow)
  assert np.abs(closed - region_of(frame)).max() < 1.0  # between lips that hardly part nothing is
  flow[1, ..., 2] = 1  # one reference shows it
  seen = native.compose(picture, both, lips, BOX, REGION, flow)
  assert np.abs(seen - got)[around].mean() < 2 and np.abs(seen - got)[~around].max() > 10
