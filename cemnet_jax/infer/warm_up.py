"""Everything that a video needs is compiled while its inputs are still being read."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from cemnet_jax.infer import forward, talker
from cemnet_jax.infer.forward import Cues, FrameTokens, Networks
from cemnet_jax.nets.landmark_frame import Similarity
from cemnet_jax.topology import CONTENT, NUM_LANDMARKS, POSE


def warm_up(nets: Networks, pictures: int) -> Callable[[], None]:
  """Starts to compile, in threads; the returned function waits for the end.

  Args:
    pictures: of the face; of a video as many as the nets look at.
  """
  workers = ThreadPoolExecutor(max(1, min(2, os.cpu_count() or 1)))
  tasks: list[Future] = [workers.submit(task, nets, pictures) for task in (_painting, _speaking)]
  workers.shutdown(wait=False)

  def wait() -> None:
    for task in tasks:
      task.result()

  return wait


def _painting(nets: Networks, pictures: int) -> None:
  size, frames = nets.image_size, talker.RENDER_BATCH
  count = min(pictures, nets.render_references)
  byte = lambda *shape: np.zeros((*shape, size, size), np.uint8)
  colours = lambda n: np.zeros((n, size, size, 3), np.uint8)
  known = forward.encode_references(nets, colours(count), byte(count))
  flow = np.zeros((frames, count, size, size, 3), np.float32) if nets.landmark_flow else None
  forward.paint(nets, colours(frames), byte(frames, nets.render_window), known,
                np.zeros((frames, 80, 16), np.float32), byte(count).astype(np.float32), flow)


def _speaking(nets: Networks, pictures: int) -> None:
  zeros = lambda *shape: np.zeros(shape, np.float32)
  batch, width = talker.MOUTH_BATCH, nets.window
  heard = zeros(2, 80) if nets.per_utterance else None
  tokens = forward.frame_tokens(nets, zeros(1, 80, 16), zeros(1, len(POSE), 2), heard)
  of_windows = lambda x: np.zeros((batch, width, *x.shape[1:]), np.float32)
  frame = Similarity(*map(of_windows, tokens.frame))
  windows = FrameTokens(of_windows(tokens.audio), of_windows(tokens.pose), frame)
  known = forward.reference_tokens(nets, zeros(nets.mouth_references, NUM_LANDMARKS, 2))
  forward.motions(nets, known, windows)
  motion = zeros(batch, width, len(CONTENT), 2)
  forward.mouths(nets, motion, frame, None)
  if nets.bridge is not None:
    size = nets.bridge.image_size
    count = min(pictures, max(nets.mouth_references, nets.render_references))
    emotion = forward.speech_emotion(nets.bridge, zeros(1, 28, 12))
    cues = forward.picture_cues(nets.bridge, np.zeros((count, size, size, 3), np.uint8))
    forward.mouths(nets, motion, frame, Cues(emotion, *cues))
