"""Subcommands of `cemnet`, one small module each: add_arguments(parser) and run(args)."""
