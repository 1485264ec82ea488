"""Programs of inference are compiled quickly, unless they run often or the process runs long."""

import jax
import jax.numpy as jnp
import pytest

from cemnet_jax.infer import compiled


@pytest.mark.parametrize('often, well', [(False, False), (True, False), (False, True)])
def test_how_well_a_program_is_compiled(monkeypatch, often, well):
  monkeypatch.setattr(compiled, '_well', False)
  if well:
    compiled.compile_well()
  asked, jit = [], jax.jit
  monkeypatch.setattr(jax, 'jit', lambda f, compiler_options=None, **more: (
    asked.append(compiler_options) or jit(f, compiler_options=compiler_options, **more)))
  monkeypatch.setattr(jax, 'default_backend', lambda: 'cpu')
  double = compiled.compiled(lambda net, x: net * x, often=often)
  assert double(2, jnp.ones(3)).sum() == 6
  quick = asked[-1] == compiled.QUICK_COMPILE
  assert quick == (not often and not well)
