"""Square face crops: boxes from landmarks, sub-pixel cropping, and the JPEG bytes of records.

Coordinates are continuous: pixel i covers [i, i + 1), so its centre lies at i + 0.5. A landmark in
a crop is (x - x0) / (x1 - x0), which makes crop coordinates independent of its resolution.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter1d

from cemnet_jax.topology import EYE_CORNERS, FPS, POSE

SIDE_PER_WIDTH = 1.32  # box side in widths of the pose points: forehead to below an open jaw
TOP_PER_WIDTH = 0.37  # box top above the eye corners, in the same widths
SMOOTH_SECONDS = 0.2  # sigma of the box's low-pass: detector jitter goes, head motion stays


def stable_boxes(landmarks_px: Float[np.ndarray, 'T 131 2'], fps: float = FPS
                 ) -> Float[np.ndarray, 'T 4']:
  """Square boxes (x0, y0, x1, y1) in px from the pose points alone, smoothed over time.

  No jaw or lip point enters, so crop coordinates do not tell how far the mouth is open.
  """
  points = np.asarray(landmarks_px, np.float64)
  x = points[:, POSE, 0]
  low, high = x.min(axis=1), x.max(axis=1)
  eye_y = points[:, EYE_CORNERS, 1].mean(axis=1)
  track = np.stack([high - low, (low + high) / 2, eye_y], axis=1)
  track = gaussian_filter1d(track, SMOOTH_SECONDS * fps, axis=0, mode='reflect')
  width, x_centre, eye_y = track.T
  side = SIDE_PER_WIDTH * width
  x0, y0 = x_centre - side / 2, eye_y - TOP_PER_WIDTH * width
  return np.stack([x0, y0, x0 + side, y0 + side], axis=1).astype(np.float32)


def iplap_boxes(landmarks_px: Float[np.ndarray, 'T 131 2'], pad_px: float = 5,
                picture_size: tuple[int, int] | None = None) -> Float[np.ndarray, 'T 4']:
  """IP-LAP's per-frame boxes: extent of all 131 points + `pad_px`, whole pixels, not square.

  `picture_size` (width, height) clamps the boxes to the picture, as IP-LAP does.
  """
  points = np.asarray(landmarks_px, np.float64)
  low, high = points.min(axis=1) - pad_px, points.max(axis=1) + pad_px
  if picture_size is not None:
    low, high = np.maximum(low, 0), np.minimum(high, picture_size)
  return np.trunc(np.concatenate([low, high], axis=1)).astype(np.float32)


def crop_frame(frame: UInt8[np.ndarray, 'H W 3'], box: Float[np.ndarray, '4'], size: int
               ) -> UInt8[np.ndarray, 'size size 3']:
  """Resamples `box` of the frame to size x size; outside the frame its edge is repeated.

  Shrinking averages a whole pixel's area (samples at most one source pixel apart, then their mean),
  so that fine texture does not alias; enlarging is bilinear.
  """
  x0, y0, x1, y1 = (float(v) for v in box)
  samples = max(1, int(np.ceil(max(x1 - x0, y1 - y0) / size)))
  fine = size * samples
  sx, sy = (x1 - x0) / fine, (y1 - y0) / fine
  to_source = np.array([[sx, 0, x0 + sx / 2 - 0.5], [0, sy, y0 + sy / 2 - 0.5]])
  crop = cv2.warpAffine(frame, to_source, (fine, fine), borderMode=cv2.BORDER_REPLICATE,
                        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
  return crop if samples == 1 else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


def crop_frames(frames: UInt8[np.ndarray, 'T H W 3'], boxes: Float[np.ndarray, 'T 4'], size: int
                ) -> UInt8[np.ndarray, 'T size size 3']:
  """`crop_frame` of every frame."""
  return np.stack([crop_frame(f, b, size) for f, b in zip(frames, boxes, strict=True)])


def resize(picture: UInt8[np.ndarray, 'H W 3'], size: int) -> UInt8[np.ndarray, 'size size 3']:
  """A square picture at another resolution: areas are averaged, or pixels interpolated."""
  if picture.shape[:2] == (size, size):
    return picture
  how = cv2.INTER_AREA if picture.shape[0] > size else cv2.INTER_LINEAR
  return cv2.resize(picture, (size, size), interpolation=how)


def to_crop(landmarks_px: Float[np.ndarray, 'T L 2'], boxes: Float[np.ndarray, 'T 4']
            ) -> Float[np.ndarray, 'T L 2']:
  """Picture px -> crop coordinates, [0, 1] inside the box."""
  return (landmarks_px - boxes[:, None, :2]) / (boxes[:, None, 2:] - boxes[:, None, :2])


def from_crop(landmarks: Float[np.ndarray, 'T L 2'], boxes: Float[np.ndarray, 'T 4']
              ) -> Float[np.ndarray, 'T L 2']:
  """Crop coordinates -> picture px; inverse of `to_crop`."""
  return landmarks * (boxes[:, None, 2:] - boxes[:, None, :2]) + boxes[:, None, :2]


def encode_jpeg(rgb: UInt8[np.ndarray, 'H W 3'], quality: int = 95) -> bytes:
  """RGB -> JPEG bytes without chroma subsampling: lips are thin and red."""
  flags = [cv2.IMWRITE_JPEG_QUALITY, quality,
           cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
  ok, data = cv2.imencode('.jpg', cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), flags)
  if not ok:
    raise ValueError(f'cannot encode a picture of shape {rgb.shape} as JPEG')
  return data.tobytes()


def decode_jpeg(data: bytes) -> UInt8[np.ndarray, 'H W 3']:
  """JPEG bytes -> RGB."""
  bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
  if bgr is None:
    raise ValueError(f'{len(data)} bytes are not a JPEG picture')
  return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
