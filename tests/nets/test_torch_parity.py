"""Every net against plain PyTorch layers that follow the spec's tables, with copied weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip('torch')
reference = pytest.importorskip('tests.nets.torch_reference')

from cemnet_jax.nets.arcface import IRBlock, IResNet  # noqa: E402
from cemnet_jax.nets.audio2mouth import POSE_TABLE, REF_TABLE, PostNormLayer  # noqa: E402
from cemnet_jax.nets.audio_encoder import AudioDecoder, AudioEncoder  # noqa: E402
from cemnet_jax.nets.deepface import DeepFaceEmotion  # noqa: E402
from cemnet_jax.nets.gray_resnet import GrayResNet  # noqa: E402
from cemnet_jax.nets.image_emotion import BasicBlock  # noqa: E402
from cemnet_jax.nets.layers import MEL_TABLE, TableEncoder  # noqa: E402
from cemnet_jax.nets.syncnet import SyncNet  # noqa: E402

nn = torch.nn


def draw(*shape, scale=1.0, seed=0):
  return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def channels_first(x):
  return torch.from_numpy(np.moveaxis(x, -1, 1).copy())


def shapes(net, *args, **kwargs):
  return jax.eval_shape(lambda *x: net.init(jax.random.key(0), *x, **kwargs), *args)


def check(net, params, stats, args, want, atol=1e-4):
  """Runs the linen net on copied weights and compares; every leaf must have been copied."""
  ours = shapes(net, *args, train=False)
  reference.same_structure(ours['params'], params)
  reference.same_structure(ours.get('batch_stats', {}), stats)
  got = jax.jit(lambda v, *x: net.apply(v, *x, train=False))(
    {'params': params, 'batch_stats': stats}, *args)
  for ours, theirs in zip(jax.tree.leaves(got), want):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=atol)


@pytest.mark.parametrize('table, rank, shape', [
  (MEL_TABLE, 2, (80, 16, 1)), (REF_TABLE, 1, (131, 2)), (POSE_TABLE, 1, (74, 2))],
  ids=['mel', 'ref', 'pose'])
def test_landmark_and_mel_encoders(table, rank, shape):
  net = TableEncoder(table, rank, dim=32, width=0.25)
  x = draw(2, *shape)
  ours = shapes(net, x, train=False)['params']
  blocks, channels = [], shape[-1]
  for i, (_, size, stride, padding, residual) in enumerate(table):
    out = ours[f'block_{i}']['conv']['kernel'].shape[-1]
    act = torch.tanh if i == len(table) - 1 else torch.relu
    blocks.append(reference.Block(channels, out, size, stride, padding, residual, act, rank))
    channels = out
  model = reference.randomise(nn.Sequential(*blocks))
  check(net, *reference.conv_blocks(blocks, 'block_{}'), [x],
        [model(channels_first(x)).flatten(1)])


def test_transformer_layer():
  dim, heads, ffn = 32, 4, 48
  layer = nn.TransformerEncoderLayer(dim, heads, ffn, dropout=0.1, batch_first=True)
  reference.randomise(layer)
  attention = layer.self_attn
  params = {'attention': {}, 'linear_1': reference.dense(layer.linear1),
            'linear_2': reference.dense(layer.linear2), 'norm_1': reference.norm(layer.norm1),
            'norm_2': reference.norm(layer.norm2)}
  for i, name in enumerate(('query', 'key', 'value')):
    rows = slice(i * dim, (i + 1) * dim)
    params['attention'][name] = {
      'kernel': reference.kernel(attention.in_proj_weight[rows]).reshape(dim, heads, dim // heads),
      'bias': reference.array(attention.in_proj_bias[rows]).reshape(heads, dim // heads)}
  out = reference.dense(attention.out_proj)
  params['attention']['out'] = out | {'kernel': out['kernel'].reshape(heads, dim // heads, dim)}
  x = draw(2, 7, dim)
  check(PostNormLayer(heads, ffn, 0.1), params, {}, [x], [layer(torch.from_numpy(x))])


def test_audio_encoder():
  widths = (16, 16, 32, 32, 64, 64, 128, 128)
  convs, channels = [], 1
  for out in widths:
    convs.append(reference.Block(channels, out, 3, 1, 1, bias=False))
    channels = out
  pools = [nn.MaxPool2d((1, 3), (1, 2)), nn.MaxPool2d((12, 1)), nn.MaxPool2d((1, 2))]
  trunk = nn.Sequential(*convs[:2], pools[0], *convs[2:6], pools[1], *convs[6:], pools[2])
  dense = [nn.Linear(128 * 6, 64), nn.Linear(64, 32), nn.Linear(32, 16)]
  model = reference.randomise(nn.Sequential(trunk, *dense))
  x = draw(2, 28, 12, scale=10.0)
  y = trunk(torch.from_numpy(x).transpose(1, 2)[:, None])
  y = y.permute(0, 2, 3, 1).flatten(1)  # ours flattens H W C; the weights are random anyway
  for layer in dense:
    y = torch.relu(layer(y))
  assert model.training is False
  rows = (0, 1, 3, 4, 5, 6, 8, 9)  # of CONV_TABLE, where the pools stand at 2, 7 and 10
  pairs = {f'conv_{row}': reference.conv_block(c) for row, c in zip(rows, convs)}
  params = {k: v[0] for k, v in pairs.items()}
  params |= {f'dense_{i}': reference.dense(d) for i, d in enumerate(dense)}
  check(AudioEncoder(width=0.25, hidden=(64, 32), dim=16), params,
        {k: v[1] for k, v in pairs.items()}, [x], [y])


def test_audio_decoder_is_evps():
  table = [(24, 64, 6, 2, 1), (64, 32, (4, 2), 2, 1), (32, 16, 4, 2, 1),
           (16, 8, (4, 3), (2, 1), (3, 1)), (8, 1, 3, 1, 1)]
  layers, params, stats = [], {}, {}
  for row in table:
    layers += [nn.ConvTranspose2d(*row), nn.BatchNorm2d(row[1]), nn.ReLU()]
  model = reference.randomise(nn.Sequential(*layers[:-2], nn.Tanh()))
  for i in range(5):
    params[f'deconv_{i}'] = reference.deconvolution(layers[3 * i])
    if i < 4:
      params[f'norm_{i}'] = reference.norm(layers[3 * i + 1])
      stats[f'norm_{i}'] = reference.statistics(layers[3 * i + 1])
  z = draw(2, 24)
  want = 90 * model(torch.from_numpy(z)[:, :, None, None])[:, 0]
  assert want.shape == (2, 28, 12)
  check(AudioDecoder(width=0.25), params, stats, [z], [want], atol=1e-3)


def shortcut(inputs, outputs, stride):
  if stride == 1:
    return None
  return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                       nn.BatchNorm2d(outputs))


def copy_of_block(block, norms):
  """(params, stats) of a residual block: two convolutions, a PReLU, its norms, its shortcut."""
  params = {'conv_1': reference.convolution(block.conv1),
            'conv_2': reference.convolution(block.conv2),
            'prelu': {'slope': reference.array(block.prelu.weight)}}
  if block.downsample is not None:
    params['shortcut'] = reference.convolution(block.downsample[0])
    norms['shortcut_norm'] = block.downsample[1]
  params |= {k: reference.norm(n) for k, n in norms.items()}
  return params, {k: reference.statistics(n) for k, n in norms.items()}


class TorchBlock(nn.Module):
  """insightface's IBasicBlock: BN, conv, BN, PReLU, strided conv, BN, plus shortcut."""

  def __init__(self, inputs, outputs, stride):
    super().__init__()
    self.bn1, self.bn2, self.bn3 = (nn.BatchNorm2d(c) for c in (inputs, outputs, outputs))
    self.conv1 = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
    self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
    self.prelu = nn.PReLU(outputs)
    self.downsample = shortcut(inputs, outputs, stride)

  def forward(self, x):
    y = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
    return y + (x if self.downsample is None else self.downsample(x))

  def copy(self):
    return copy_of_block(self, {'norm_1': self.bn1, 'norm_2': self.bn2, 'norm_3': self.bn3})


@pytest.mark.parametrize('stride', [1, 2])
def test_iresnet_block(stride):
  block = reference.randomise(TorchBlock(8, 8 * stride, stride))
  x = draw(2, 6, 6, 8)
  check(IRBlock(8 * stride, stride), *block.copy(), [x],
        [block(channels_first(x)).permute(0, 2, 3, 1)])


def test_iresnet():
  conv, bn, prelu = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.PReLU(8)
  blocks = [TorchBlock(8, 8, 2), TorchBlock(8, 8, 1), TorchBlock(8, 16, 2)]
  last, linear, features = nn.BatchNorm2d(16), nn.Linear(256, 12), nn.BatchNorm1d(12)
  reference.randomise(nn.Sequential(conv, bn, prelu, *blocks, last, linear, features))
  nn.init.ones_(features.weight)
  x = np.random.default_rng(3).random((2, 16, 16, 3), np.float32)
  y = nn.Sequential(conv, bn, prelu, *blocks, last)((channels_first(x) - 0.5) / 0.5)
  y = features(linear(y.permute(0, 2, 3, 1).flatten(1)))
  params = {'conv': reference.convolution(conv), 'norm': reference.norm(bn),
            'prelu': {'slope': reference.array(prelu.weight)}, 'last_norm': reference.norm(last),
            'linear': reference.dense(linear), 'features': {'bias': reference.array(features.bias)}}
  stats = {'norm': reference.statistics(bn), 'last_norm': reference.statistics(last),
           'features': reference.statistics(features)}
  for name, block in zip(('stage_0_0', 'stage_0_1', 'stage_1_0'), blocks):
    params[name], stats[name] = block.copy()
  check(IResNet(stages=(2, 1), width=8, dim=12, input_size=16), params, stats, [x],
        [y / y.norm(dim=1, keepdim=True)])


def test_resnet18_block():
  first = reference.Block(8, 16, 3, 2, 1, bias=False)
  conv, bn = nn.Conv2d(16, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
  skip, skip_bn = nn.Conv2d(8, 16, 1, 2, bias=False), nn.BatchNorm2d(16)
  reference.randomise(nn.Sequential(first, conv, bn, skip, skip_bn))
  params, stats = reference.conv_block(first)
  params = {'block_1': params, 'conv_2': reference.convolution(conv),
            'norm_2': reference.norm(bn), 'shortcut': reference.convolution(skip),
            'shortcut_norm': reference.norm(skip_bn)}
  stats = {'block_1': stats, 'norm_2': reference.statistics(bn),
           'shortcut_norm': reference.statistics(skip_bn)}
  x = draw(2, 7, 7, 8)
  y = channels_first(x)
  want = torch.relu(bn(conv(first(y))) + skip_bn(skip(y)))
  check(BasicBlock(16, 2), params, stats, [x], [want.permute(0, 2, 3, 1)])


class Conv3dBlock(nn.Module):
  """SyncNet's lip blocks as published, over (time, height, width)."""

  def __init__(self, inputs, outputs, size, stride=1, padding=0):
    super().__init__()
    self.conv = nn.Conv3d(inputs, outputs, size, stride, padding)
    self.norm = nn.BatchNorm3d(outputs)

  def forward(self, x):
    return torch.relu(self.norm(self.conv(x)))


def flat_kernel(conv):
  """(out, in, t, h, w) -> (h, w, t * in, out): time becomes channels, frame by frame."""
  weight = reference.array(conv.weight)
  out, channels, t, h, w = weight.shape
  return weight.transpose(3, 4, 2, 1, 0).reshape(h, w, t * channels, out)


def test_syncnet():
  a = [reference.Block(1, 8, 3, 1, 1), reference.Block(8, 12, 3, 1, 1),
       reference.Block(12, 24, 3, 1, 1), reference.Block(24, 16, 3, 1, 1),
       reference.Block(16, 16, 3, 1, 1), reference.Block(16, 32, (5, 4))]
  audio = nn.Sequential(a[0], nn.MaxPool2d(1), a[1], nn.MaxPool2d(3, (1, 2)), *a[2:5],
                        nn.MaxPool2d(3, 2), a[5], nn.Flatten())
  v = [Conv3dBlock(3, 8, (5, 7, 7), (1, 2, 2)),
       Conv3dBlock(8, 16, (1, 5, 5), (1, 2, 2), (0, 1, 1))]
  v += [Conv3dBlock(16, 16, (1, 3, 3), 1, (0, 1, 1)) for _ in range(3)]
  v += [Conv3dBlock(16, 32, (1, 2, 2))]
  lip = nn.Sequential(v[0], nn.MaxPool3d((1, 3, 3), (1, 2, 2)), v[1],
                      nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)), *v[2:5],
                      nn.MaxPool3d((1, 3, 3), (1, 2, 2)), v[5], nn.Flatten())
  heads = [nn.Sequential(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 20))
           for _ in range(2)]
  model = reference.randomise(nn.Sequential(audio, lip, *heads))
  v[0].conv.weight.data /= 100  # the input is 0 to 255
  params, stats = {}, {}
  for prefix, blocks in (('audio_{}', a), ('lip_{}', v)):
    for i, block in enumerate(blocks):
      name = prefix.format(i)
      params[name] = {'conv': reference.convolution(block.conv), 'norm': reference.norm(block.norm)}
      stats[name] = {'norm': reference.statistics(block.norm)}
      if prefix == 'lip_{}':
        params[name]['conv']['kernel'] = flat_kernel(block.conv)
  for name, head in zip(('lip_head', 'audio_head'), heads):
    params[name] = {'dense_0': reference.dense(head[0]), 'norm': reference.norm(head[1]),
                    'dense_1': reference.dense(head[3])}
    stats[name] = {'norm': reference.statistics(head[1])}
  frames = np.random.default_rng(4).random((2, 5, 112, 112, 3), np.float32)
  mfcc = draw(2, 13, 20, scale=5.0)
  bgr = torch.from_numpy(255 * frames[..., ::-1].copy()).permute(0, 4, 1, 2, 3)
  assert model.training is False
  want = [heads[0](lip(bgr)), heads[1](audio(torch.from_numpy(mfcc)[:, None]))]
  check(SyncNet(width=0.0625, dim=20), params, stats, [jnp.asarray(frames), mfcc], want, atol=1e-3)


def luma(images):
  """RGB (B, H, W, 3) -> grey (B, 1, H, W), with the weights that OpenCV documents."""
  r, g, b = np.moveaxis(images, -1, 0)
  return torch.from_numpy((0.299 * r + 0.587 * g + 0.114 * b)[:, None])


def test_deepface():
  convs = [nn.Conv2d(1, 8, 5), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 16, 3),
           nn.Conv2d(16, 16, 3)]
  dense = [nn.Linear(16, 128), nn.Linear(128, 128), nn.Linear(128, 8)]
  relu = nn.ReLU()
  model = reference.randomise(nn.Sequential(
    convs[0], relu, nn.MaxPool2d(5, 2), convs[1], relu, convs[2], relu, nn.AvgPool2d(3, 2),
    convs[3], relu, convs[4], relu, nn.AvgPool2d(3, 2), nn.Flatten(), dense[0], relu, dense[1],
    relu, dense[2]))
  x = np.random.default_rng(5).random((2, 48, 48, 3), np.float32)
  y = luma(x)
  params = {f'conv_{i}': reference.convolution(c) for i, c in enumerate(convs)}
  params |= {f'dense_{i}': reference.dense(d) for i, d in enumerate(dense)}
  check(DeepFaceEmotion(width=0.125), params, {}, [x], [model[:-1](y), model(y)])


class GrayBlock(nn.Module):
  """arcface-pytorch's IRBlock: one PReLU of one slope stands in two places."""

  def __init__(self, inputs, outputs, stride):
    super().__init__()
    self.bn0, self.bn1, self.bn2 = (nn.BatchNorm2d(c) for c in (inputs, inputs, outputs))
    self.conv1 = nn.Conv2d(inputs, inputs, 3, 1, 1, bias=False)
    self.conv2 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    self.prelu = nn.PReLU()
    self.downsample = shortcut(inputs, outputs, stride)

  def forward(self, x):
    y = self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(self.bn0(x))))))
    return self.prelu(y + (x if self.downsample is None else self.downsample(x)))

  def copy(self):
    return copy_of_block(self, {'norm_0': self.bn0, 'norm_1': self.bn1, 'norm_2': self.bn2})


def test_gray_resnet():
  conv, bn, prelu = nn.Conv2d(1, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.PReLU()
  blocks = [GrayBlock(8, 8, 1), GrayBlock(8, 8, 1), GrayBlock(8, 16, 2)]
  last, linear, features = nn.BatchNorm2d(16), nn.Linear(256, 12), nn.BatchNorm1d(12)
  reference.randomise(nn.Sequential(conv, bn, prelu, *blocks, last, linear, features))
  x = np.random.default_rng(6).random((2, 16, 16, 3), np.float32)
  y = (255 * luma(x) - 127.5) / 127.5
  y = nn.Sequential(conv, bn, prelu, nn.MaxPool2d(2), *blocks, last)(y)
  y = features(linear(y.permute(0, 2, 3, 1).flatten(1)))
  params = {'conv': reference.convolution(conv), 'norm': reference.norm(bn),
            'prelu': {'slope': reference.array(prelu.weight)}, 'last_norm': reference.norm(last),
            'linear': reference.dense(linear), 'features': reference.norm(features)}
  stats = {'norm': reference.statistics(bn), 'last_norm': reference.statistics(last),
           'features': reference.statistics(features)}
  for name, block in zip(('stage_0_0', 'stage_0_1', 'stage_1_0'), blocks):
    params[name], stats[name] = block.copy()
  check(GrayResNet(stages=(2, 1), width=8, dim=12, input_size=16), params, stats, [x],
        [y / y.norm(dim=1, keepdim=True)])
