"""The most memory that a process has held while it made a video of so many minutes.

Each length has a process of its own. A process starts with the peak of the one that starts it, so
whoever calls `peaks` must not have imported the frameworks, and this module imports them late.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = 128  # px of the face that is animated
SECONDS = 2  # of it; played back and forth
STEPS = ('nets loaded', 'speech read', 'video')


def peaks(minutes: float, size: str, image_size: int) -> dict[str, float]:
  """Peak memory in MB after each of `STEPS`, in a new process.

  Raises:
    CalledProcessError: the process failed.
  """
  call = [sys.executable, '-m', __spec__.name, str(minutes), size, str(image_size)]
  done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True)
  return json.loads(done.stdout.splitlines()[-1])


def _measure(minutes: float, size: str, image_size: int) -> dict[str, float]:
  from benchmarks.speed.system import networks, scene, write_speech
  from cemnet_jax.infer.talker import Talker
  from cemnet_jax.preprocess.encode import write_video
  from cemnet_jax.preprocess.sound import record_audio
  found = {}

  def note(step: str) -> None:
    found[step] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

  with tempfile.TemporaryDirectory() as folder:
    speech, out = Path(folder) / 'speech.wav', Path(folder) / 'talk.mp4'
    references = scene(SIZE, SECONDS).references()
    talker = Talker(networks(size, image_size, references))
    write_speech(speech, minutes)
    note('nets loaded')
    audio = record_audio(speech)
    note('speech read')
    write_video(out, talker.stream(references, audio), audio)
    note('video')
  return found


if __name__ == '__main__':
  print(json.dumps(_measure(float(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
