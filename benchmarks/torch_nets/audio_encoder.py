"""Audio encoder and decoder of spec 3.4: EVP's emotion net, widened, and EVP's own decoder.

No public file has the encoder's tensors; the decoder's names are EVP's (spec A.6).
"""

from collections.abc import Sequence

import torch
from torch import nn

from cemnet_jax.nets.layers import scaled

ROWS = (64, 64, 'wide', 128, 128, 256, 256, 'high', 512, 512, 'last')
POOLS = {'wide': ((1, 3), (1, 2)), 'high': ((12, 1), (12, 1)), 'last': ((1, 2), (1, 2))}
DECONVS = ((256, 6, 2, 1), (128, (4, 2), 2, 1), (64, 4, 2, 1), (32, (4, 3), (2, 1), (3, 1)),
           (1, 3, 1, 1))


class AudioEncoder(nn.Module):
  """MFCC windows (B, 28, 12) -> embeddings (B, dim), not negative."""

  def __init__(self, width: float = 1.0, hidden: Sequence[int] = (2048, 512), dim: int = 128):
    super().__init__()
    layers, inputs = [], 1
    for row in ROWS:
      if row in POOLS:
        layers.append(nn.MaxPool2d(*POOLS[row]))
        continue
      outputs = scaled(row, width)
      layers.append(nn.Sequential(nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
                                  nn.BatchNorm2d(outputs), nn.ReLU()))
      inputs = outputs
    self.convs = nn.Sequential(*layers)
    sizes = (inputs * 6, *hidden, dim)
    self.dense = nn.Sequential(*(nn.Sequential(nn.Linear(a, b), nn.ReLU())
                                 for a, b in zip(sizes[:-1], sizes[1:])))

  def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
    return self.dense(self.convs(mfcc.transpose(1, 2)[:, None]).flatten(1))


class EmotionClassifier(nn.Module):
  """MFCC windows (B, 28, 12) -> logits (B, classes)."""

  def __init__(self, width: float = 1.0, hidden: Sequence[int] = (2048, 512), embedding: int = 128,
               classes: int = 8):
    super().__init__()
    self.encoder = AudioEncoder(width, hidden, embedding)
    self.head = nn.Linear(embedding, classes)

  def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
    return self.head(self.encoder(mfcc))


class AudioDecoder(nn.Module):
  """Three concatenated embeddings (B, 3 dim) -> MFCC windows (B, 28, 12) within +-90."""

  def __init__(self, width: float = 1.0, inputs: int = 384):
    super().__init__()
    layers = []
    for channels, *how in DECONVS:
      outputs = 1 if channels == 1 else scaled(channels, width)
      layers += [nn.ConvTranspose2d(inputs, outputs, *how), nn.BatchNorm2d(outputs), nn.ReLU()]
      inputs = outputs
    self.decon = nn.Sequential(*layers[:-2], nn.Tanh())

  def forward(self, z: torch.Tensor) -> torch.Tensor:
    return 90 * self.decon(z[:, :, None, None])[:, 0]
