"""A progress bar over frames, on terminals only."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm


def with_bar(frames: Iterable[UInt8[np.ndarray, 'H W 3']], count: int, wanted: bool,
          ) -> Iterator[UInt8[np.ndarray, 'H W 3']]:
  """The frames, with a bar that says that programs are compiled until the first one comes.

  It is not drawn into files. Closed like any generator, it ends its line, so that what is told next
  has a line of its own.
  """
  bar = tqdm(total=count, desc='compiling', unit='frame', disable=None if wanted else True)
  with bar:
    for frame in frames:
      if not bar.disable and not bar.n:
        bar.set_description('frames')
      bar.update()
      yield frame
