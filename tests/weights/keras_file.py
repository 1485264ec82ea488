"""Keras's .h5 files of weights, as its `save_weights` lays them out."""

SHAPES = ((5, 5, 1, 64), (3, 3, 64, 64), (3, 3, 64, 64), (3, 3, 64, 128), (3, 3, 128, 128),
          (128, 1024), (1024, 1024), (1024, 7))


def write(path, weights, first=1, root=''):
  """Layers conv2d_<first>, max_pooling2d, ..., dense_<first>, ... of (kernel, bias) pairs."""
  import h5py
  with h5py.File(path, 'w') as file:
    top = file.create_group(root) if root else file
    names, counts = [], {}
    for kernel, bias in weights:
      kind = 'conv2d' if kernel.ndim == 4 else 'dense'
      counts[kind] = counts.get(kind, first - 1) + 1
      name = f'{kind}_{counts[kind]}'
      group = top.create_group(name)
      inner = [f'{name}/kernel:0', f'{name}/bias:0']
      for weight, value in zip(inner, (kernel, bias), strict=True):
        group[weight] = value
      group.attrs['weight_names'] = [w.encode() for w in inner]
      idle = f'pooling_{len(names)}'
      top.create_group(idle).attrs['weight_names'] = []
      names += [name.encode(), idle.encode()]
    top.attrs['layer_names'] = names
