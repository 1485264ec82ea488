import numpy as np

from cemnet_jax.evaluate.scenes import draw_scene
from cemnet_jax.preprocess.crop import crop_frame, decode_jpeg, encode_jpeg, to_crop
from cemnet_jax.preprocess.synthetic.clip import make_clip
from cemnet_jax.preprocess.synthetic.world import WORLDS
from cemnet_jax.topology import EMOTIONS


def test_a_scene_is_what_the_record_was_cropped_from():
  world = WORLDS['mead_debug']
  key = world.keys('test')[3]
  record = make_clip(world, key)
  stored = {**record, 'emotion': EMOTIONS.index(record['emotion'])}
  same = draw_scene('mead_debug', stored, world.scene, world.supersample)
  np.testing.assert_array_equal(same.audio, record['audio'])
  crop = crop_frame(same.frames[5], record['crop_box'][5], world.crop)
  assert encode_jpeg(crop, world.jpeg_quality) == record['frames'][5]

  large = draw_scene('mead_debug', stored, 2 * world.scene, 2)
  assert large.frames.shape == (len(record['frames']), 128, 128, 3)
  np.testing.assert_allclose(to_crop(large.landmarks_px, 2 * record['crop_box']),
                             record['landmarks'], atol=2e-3)
  shown = crop_frame(large.frames[5], 2 * record['crop_box'][5], world.crop)
  assert np.abs(shown.astype(int) - decode_jpeg(record['frames'][5])).mean() < 8
