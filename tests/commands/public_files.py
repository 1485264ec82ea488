"""Checkpoints of random weights, laid out as IP-LAP's and Wav2Lip's public ones."""

import torch

from benchmarks.torch_nets import audio2mouth, renderer, wav2lip
from benchmarks.torch_nets.compare import randomise
from benchmarks.torch_nets.talker_cases import randomise_but_tables


def iplap_nets(a2m=None, render=None):
  """The landmark generator, whose mouths stay near the crop, and the renderer; in eval mode."""
  landmarks = randomise_but_tables(audio2mouth.Audio2Mouth(**a2m or {}))
  with torch.no_grad():
    for head in (landmarks.mouse_keypoint_map, landmarks.jaw_keypoint_map):
      head.weight *= 0.1
      head.bias += 0.5
  return landmarks.eval(), randomise(renderer.Renderer(**render or {})).eval()


def wav2lip_nets(width=1.0, dim=512):
  return (randomise(wav2lip.Wav2Lip(width)).eval(), randomise(wav2lip.LipExpert(width, dim)).eval())


def save_as_trained(net, path, extra=None):
  """As a trainer on several GPUs saves: under `state_dict`, every name after `module.`."""
  state = {f'module.{name}': tensor for name, tensor in (net.state_dict() | (extra or {})).items()}
  torch.save({'state_dict': state, 'optimizer': {'state': {}, 'param_groups': [{'lr': 1e-4}]},
              'global_step': 610_000, 'global_epoch': 1837}, path)
  return path


def save_iplap(folder, landmarks, painter):
  """Both files; the renderer's has the VGG19 of its loss too."""
  vgg = {'perceptual.model.network.0.weight': torch.zeros(64, 3, 3, 3),
         'perceptual.model.network.0.bias': torch.zeros(64)}
  return (save_as_trained(landmarks, folder / 'landmarkgenerator_checkpoint.pth'),
          save_as_trained(painter, folder / 'renderer_checkpoint.pth', vgg))
