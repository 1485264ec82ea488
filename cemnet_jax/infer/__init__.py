"""References and speech in, a talking video out."""

# Of a drawn face: the picture's own resolution, or that of the nets, enlarged.
RESOLUTIONS = ('native', 'net')
