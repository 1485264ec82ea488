"""LRS2: sentences of British television with transcripts, in its original tree."""
