"""What the residual nets share: their bias-free convolutions, shortcuts and rows of blocks."""

from collections.abc import Callable, Sequence

from torch import nn


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
  """A 3 x 3 convolution without bias that keeps the size, or divides it by `stride`."""
  return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
  """The 1 x 1 convolution and norm beside a block that changes the size; None beside others."""
  if stride == 1 and inputs == outputs:
    return None
  return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def add_layers(net: nn.Module, block: Callable, stages: Sequence[int], width: int,
               first_stride: int) -> int:
  """Gives `net` its layer1, layer2, ... of stages[i] blocks (inputs, outputs, stride).

  Channels double and the size halves from one stage to the next. Returns the last channels.
  """
  channels = width
  for i, count in enumerate(stages):
    strides = [2 if i else first_stride] + [1] * (count - 1)
    blocks = []
    for stride in strides:
      blocks.append(block(channels, width * 2**i, stride))
      channels = width * 2**i
    net.add_module(f'layer{i + 1}', nn.Sequential(*blocks))
  return channels


def last_side(size: int, strided: int) -> int:
  """What so many convolutions of stride 2 leave of `size`; each rounds up."""
  for _ in range(strided):
    size = (size + 1) // 2
  return size


def run_layers(net: nn.Module, x):
  """x through layer1, layer2, ...; the list of what each returns."""
  maps = []
  while hasattr(net, f'layer{len(maps) + 1}'):
    x = getattr(net, f'layer{len(maps) + 1}')(x)
    maps.append(x)
  return maps
