"""run_train.py for each line of JSON on stdin (a list of arguments), each in a fork of a process
that has imported all that it needs; prints [exit code, stderr] of each as JSON."""

import json
import os
import sys
import tempfile

from absl import app

import cemnet_jax.train.process
import cemnet_jax.train_system  # noqa: F401
import run_train

for line in sys.stdin:
  with tempfile.TemporaryFile() as said:
    child = os.fork()
    if not child:
      os.dup2(said.fileno(), 2)
      os.dup2(2, 1)
      sys.argv = ['run_train.py', *json.loads(line)]  # ml_collections reads overrides there
      app.run(run_train.main, flags_parser=run_train._parse)
    _, status = os.waitpid(child, 0)
    said.seek(0)
    print(json.dumps([os.waitstatus_to_exitcode(status), said.read().decode()]), flush=True)
