"""`synth_mead`: the embedded synthetic world as tfds datasets."""
