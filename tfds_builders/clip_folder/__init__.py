"""Own clips: any folder of talking videos as a clips dataset."""
