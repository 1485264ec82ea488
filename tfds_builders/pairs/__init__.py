"""`pairs`: rows of clip indices over any built clips dataset."""
