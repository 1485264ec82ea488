"""The one exception a user's input can raise: a single line, printed by the command line."""


class UserError(Exception):
  """What is wrong, where, and what to do, in one line; the command line exits with code 2."""
