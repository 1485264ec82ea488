"""CEM-Net (arXiv 2508.12368) in JAX/Flax: talking faces with the emotion heard in the speech."""

__version__ = '0.1.0'
