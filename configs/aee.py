"""Audio Emotion Enhancement by cross-reconstruction. Paper: MEAD, Adam 2e-4; EVP: batch 16.

python run_train.py --config=configs/aee.py --workdir=WORK/aee --data=DATA
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('aee', preset)
  pick = common.picker(preset)
  # Longer, and the few voices of the benchmark are known by heart and others less well.
  cfg.steps = pick(full=100_000, benchmark=600, quickstart=180, debug=4)
  cfg.batch_size = pick(full=16, quickstart=6, debug=8)
  cfg.optimizer.lr = pick(full=2e-4, benchmark=4e-4, quickstart=1e-4, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.optimizer.b1 = 0.5
  # The encoders come trained and the decoder does not: in a short run it has to learn faster.
  cfg.decoder_optimizer = cfg.optimizer.copy_and_resolve_references()
  cfg.decoder_optimizer.lr = pick(full=2e-4, quickstart=2e-3, debug=1e-3)
  cfg.needs = ('audio_emotion', 'timbre', 'content')
  cfg.ema = pick(paper=0.0, ours=0.999)  # as of the memory; the paper is silent
  cfg.best = '+emotion_accuracy'
  cfg.eval_batches = pick(full=50, benchmark=40, quickstart=6, debug=1)
  cfg.data.dataset = sizes.mead(preset)
  cfg.data.kind = 'aee'
  cfg.data.labels = ('emotion', 'speaker')
  cfg.data.emotion_windows = pick(full=4, quickstart=4, debug=2)
  cfg.model.update(sizes.AUDIO_ENCODER[preset])
  cfg.model.decoder_width = pick(full=1.0, quickstart=0.25, debug=0.125)
  # Emotion and timbre are heard in speech as it was spoken, as the mean over windows, and emotion
  # is classified in all eight clips. False: both hear the two aligned windows, as in EVP.
  cfg.model.natural = pick(paper=False, ours=True)
  cfg.model.emotions = 8
  cfg.model.classes = common.SPEAKERS
  # Eq. 7's weights are in no text. lambda_a is below 1 because L_a is a sum of eight RMS values of
  # MFCCs within +-90, above 100 at first: with 1 unseen speakers' emotions were told worse. With
  # none they were, too.
  cfg.loss.update(dict(reconstruction=pick(paper=1.0, ours=0.3), timbre=1.0, emotion=1.0,
                       triplet=1.0, margin=1.0))
  return cfg
