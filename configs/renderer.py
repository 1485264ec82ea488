"""Renderer. Paper: LRS2, 4 x RTX 3090 for 7 days, batch 96, Adam 1e-4, 25 warm-up epochs.

python run_train.py --config=configs/renderer.py --workdir=WORK/renderer --data=DATA
With ImageNet weights: --config.loss.perceptual_net=vgg19 --config.loss.vgg19=FILE
--config.loss.style=250
"""

from configs import common, sizes


def get_config(preset='paper'):
  cfg = common.base('renderer', preset)
  pick = common.picker(preset)
  cfg.steps = pick(paper=140_000, benchmark=1_000, quickstart=400, debug=4)
  cfg.batch_size = pick(paper=96, quickstart=4, debug=8)
  cfg.optimizer.lr = pick(paper=1e-4, quickstart=1.5e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(paper='constant', quickstart='cosine', debug='constant')
  cfg.disc_optimizer = cfg.optimizer.copy_and_resolve_references()
  cfg.disc_optimizer.b1 = 0.5
  cfg.disc_optimizer.lr = pick(paper=1e-4, quickstart=2e-4, debug=1e-4)
  cfg.needs = ('image_emotion',)
  cfg.best = '+psnr_lower'
  cfg.ema = 0.999  # of the generator, as of the memory; the paper is silent
  # The small world's many speakers hardly frown; without its other set no mouth would.
  both = f'{sizes.lrs(preset)}+{sizes.mead(preset)}'
  cfg.data.dataset = pick(paper=sizes.lrs(preset), quickstart=both, debug=sizes.lrs(preset))
  cfg.data.kind = 'render'
  cfg.data.image_size = sizes.IMAGE[preset]
  cfg.data.N = pick(paper=5, quickstart=2, debug=2)
  # Share of examples whose references are another clip, and so maybe another emotion.
  cfg.data.cross_ref = pick(paper=0.0, quickstart=0.5, debug=0.0)
  # Half of the examples have to open closed lips, in a quarter the target's are among the clip's
  # most open: the generator must paint teeth and tongue (not in the paper; 0.0 for its own data).
  cfg.data.closed_ref, cfg.data.open_target = 0.5, 0.25
  # Warps by the landmarks' flow in place of a learned one (not in the paper; False for its own).
  cfg.data.landmark_flow = True
  cfg.data.lines = 'filled'  # the sketch tells where the mouth is open; 'smooth': lines alone
  cfg.model.update(dict(
    width=pick(paper=32, quickstart=16, debug=8),
    wide=pick(paper=256, benchmark=48, quickstart=32, debug=16),
    hidden=pick(paper=256, benchmark=32, quickstart=16, debug=16),
    kernel=pick(paper=7, benchmark=7, quickstart=5, debug=7),
    audio_adain=True,
    audio_dim=pick(paper=512, quickstart=64, debug=16),
    audio_width=pick(paper=1.0, quickstart=0.125, debug=0.125),
    quirk=False, flow_scale=0.1, centred=True, skip=True, occlusion=True,
    head=pick(paper=64, quickstart=32, debug=8),
    disc_width=pick(paper=64, quickstart=16, debug=4)))
  # The paper's 4, 0.25 and 1 are IP-LAP's numbers on 4 GPUs: on one device 16, 0.25, 1 (spec 7.3).
  cfg.loss.update(dict(warp=10.0, perceptual=16.0, gan=0.25, feature_matching=1.0,
                       # Not in the paper: mean error of a pixel in the lips' box, and of one
                       # inside the mouth where the references are closed.
                       mouth=400.0, unseen=400.0,
                       warmup_steps=pick(paper=12_000, benchmark=120, quickstart=60, debug=1),
                       perceptual_net='image_emotion', vgg19='',
                       style=0.0))  # 250 with VGG19; the stand-in's maps have no use for it
  return cfg
