"""Face topology and rates: the 131 MediaPipe mesh points of IP-LAP, their groups and sketch edges.

Indices named here (POSE, LIPS, ...) point into the 131-point master order, not into the mesh.
"""

import numpy as np

EMOTIONS = ('angry', 'contempt', 'disgusted', 'fear', 'happy', 'neutral', 'sad', 'surprised')
NEUTRAL = EMOTIONS.index('neutral')
UNKNOWN = len(EMOTIONS)  # the class of clips whose emotion nobody labelled
LABELS = (*EMOTIONS, 'unknown')

FPS = 25  # video frames per second
SAMPLE_RATE = 16000  # audio samples per second
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS
MEL_RATE = 80  # mel frames per second: hop of 200 samples

# MediaPipe face-mesh ids in IP-LAP's master order: oval left to right, brows, nose, eyes, lips.
MESH_IDS = np.array([
  162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288,
  361, 323, 454, 356, 389,
  70, 63, 105, 66, 107, 55, 65, 52, 53, 46,
  336, 296, 334, 293, 300, 276, 283, 282, 295, 285,
  168, 6, 197, 195, 5,
  48, 115, 220, 45, 4, 275, 440, 344, 278,
  33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7,
  362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382,
  61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
  78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95])
NUM_LANDMARKS = len(MESH_IDS)

OVAL = np.arange(0, 25)
RIGHT_BROW = np.arange(25, 35)
LEFT_BROW = np.arange(35, 45)
NOSE_BRIDGE = np.arange(45, 50)
NOSE_BOTTOM = np.arange(50, 59)
RIGHT_EYE = np.arange(59, 75)
LEFT_EYE = np.arange(75, 91)
OUTER_LIP = np.arange(91, 111)
INNER_LIP = np.arange(111, 131)

JAW = np.arange(4, 21)
LIPS = np.arange(91, 131)
CONTENT = np.concatenate([JAW, LIPS])  # 57 points that speech and emotion move
POSE = np.concatenate([np.arange(0, 4), np.arange(21, 25), np.arange(25, 91)])  # the other 74

# Eye corners (33, 133, 362, 263) and nose bridge (168, 6, 197): still under speech and emotion.
STABLE = np.array([59, 67, 75, 83, 45, 46, 47])
STABLE_IN_POSE = np.array([int(np.nonzero(POSE == i)[0][0]) for i in STABLE])

# Where the seven points lie in the stable crop of an average face of the synthetic world.
STABLE_TEMPLATE = np.array([
  [0.252, 0.274], [0.409, 0.286], [0.591, 0.286], [0.748, 0.274],
  [0.500, 0.245], [0.500, 0.289], [0.500, 0.324]])

EYE_CORNERS = np.array([59, 67, 75, 83])
MOUTH_CORNERS = np.array([91, 101])  # mesh 61 and 291
INNER_LIP_TOP, INNER_LIP_BOTTOM = 116, 126  # mesh 13 and 14: their distance is the mouth opening


def _chain(points, closed=False):
  points = [int(p) for p in points]
  pairs = list(zip(points[:-1], points[1:]))
  return pairs + [(points[-1], points[0])] if closed else pairs


def _lip_ring(ring):
  return _chain(ring, closed=True)


def _mesh_chain(*ids):
  order = {int(m): i for i, m in reversed(list(enumerate(MESH_IDS)))}
  return _chain([order[m] for m in ids])


# FACEMESH_* connections as IP-LAP draws them; brows are two open chains, upper and lower rim.
EDGES = tuple(
  _lip_ring(OUTER_LIP) + _lip_ring(INNER_LIP)
  + _chain(RIGHT_EYE, closed=True) + _chain(LEFT_EYE, closed=True)
  + _chain(RIGHT_BROW[:5]) + _chain(RIGHT_BROW[5:]) + _chain(LEFT_BROW[:5])
  + _chain(LEFT_BROW[5:]) + _chain(OVAL)
  + _mesh_chain(168, 6, 197, 195, 5, 4) + _mesh_chain(4, 45, 220, 115, 48)
  + _mesh_chain(4, 275, 440, 344, 278))
