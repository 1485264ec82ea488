"""Renderer. Paper: LRS2, 4 x RTX 3090 for 7 days, batch 96, Adam 1e-4, 25 warm-up epochs.

python run_train.py --config=configs/renderer.py --workdir=WORK/renderer --data=DATA
Preset `paper` needs ImageNet's VGG19: --config.loss.vgg19=FILE. The others have a stand-in; for
VGG19 in its place: --config.loss.perceptual_net=vgg19 --config.loss.vgg19=FILE
--config.loss.style=250
"""

from configs import common, sizes


def get_config(preset=common.DEFAULT):
  cfg = common.base('renderer', preset)
  pick = common.picker(preset)
  cfg.steps = pick(full=140_000, benchmark=1_000, quickstart=400, debug=4)
  cfg.batch_size = pick(full=96, quickstart=4, debug=8)
  cfg.optimizer.lr = pick(full=1e-4, quickstart=1.5e-3, debug=1e-3)
  cfg.optimizer.schedule = pick(full='constant', quickstart='cosine', debug='constant')
  cfg.disc_optimizer = cfg.optimizer.copy_and_resolve_references()
  cfg.disc_optimizer.b1 = 0.5
  cfg.disc_optimizer.lr = pick(full=1e-4, quickstart=2e-4, debug=1e-4)
  cfg.needs = ('image_emotion',)
  cfg.best = '+psnr_lower'
  # Of the generator, as of the memory; the paper is silent.
  cfg.ema = pick(paper=0.0, ours=0.999)
  # Many speakers hardly frown; without the set of emotions no mouth would.
  both = f'{sizes.lrs(preset)}+{sizes.mead(preset)}'
  cfg.data.dataset = pick(paper=sizes.lrs(preset), full=both, quickstart=both,
                          debug=sizes.lrs(preset))
  cfg.data.kind = 'render'
  cfg.data.image_size = sizes.IMAGE[preset]
  cfg.data.N = pick(full=5, quickstart=2, debug=2)
  # Share of examples whose references are another clip, and so maybe another emotion.
  cfg.data.cross_ref = pick(paper=0.0, full=0.5, quickstart=0.5, debug=0.0)
  # Half of the examples have to open closed lips, in a quarter the target's are among the clip's
  # most open: the generator must paint teeth and tongue.
  cfg.data.closed_ref = pick(paper=0.0, ours=0.5)
  cfg.data.open_target = pick(paper=0.0, ours=0.25)
  # Warps by the landmarks' flow in place of a learned one.
  cfg.data.landmark_flow = pick(paper=False, ours=True)
  # The sketch tells where the mouth is open; 'smooth': lines alone, 'iplap': jagged ones.
  cfg.data.lines = pick(paper='iplap', ours='filled')
  cfg.model.update(dict(
    width=pick(full=32, quickstart=16, debug=8),
    wide=pick(full=256, benchmark=48, quickstart=32, debug=16),
    hidden=pick(full=256, benchmark=32, quickstart=16, debug=16),
    kernel=pick(full=7, benchmark=7, quickstart=5, debug=7),
    audio_adain=True,
    audio_dim=pick(full=512, quickstart=64, debug=16),
    audio_width=pick(full=1.0, quickstart=0.125, debug=0.125),
    quirk=pick(paper=True, ours=False), flow_scale=pick(paper=1.0, ours=0.1),
    centred=pick(paper=False, ours=True), skip=pick(paper=False, ours=True),
    occlusion=pick(paper=False, ours=True),
    head=pick(paper=0, full=64, quickstart=32, debug=8),
    disc_width=pick(full=64, quickstart=16, debug=4)))
  # The paper's 4, 0.25 and 1 are IP-LAP's numbers on 4 GPUs: on one device 16, 0.25, 1 (spec 7.3).
  cfg.loss.update(dict(warp=10.0, perceptual=16.0, gan=0.25, feature_matching=1.0,
                       # Not in the paper: mean error of a pixel in the lips' box, and of one
                       # inside the mouth where the references are closed.
                       mouth=pick(paper=0.0, ours=400.0), unseen=pick(paper=0.0, ours=400.0),
                       warmup_steps=pick(full=12_000, benchmark=120, quickstart=60, debug=1),
                       # 'image_emotion', this project's own net, is the stand-in where VGG19's
                       # weights (a file, `vgg19`) are not at hand.
                       perceptual_net=pick(paper='vgg19', ours='image_emotion'), vgg19='',
                       # Of the picture among the stand-in's maps: the others cannot place lips.
                       pixel_weight=40.0,
                       # Of Gram matrices, IP-LAP's; the stand-in's maps have no use for it.
                       style=pick(paper=250.0, ours=0.0)))
  return cfg
