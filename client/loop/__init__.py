"""The whole loop on a stack, as people have it: photos, labels, a training, an approved model. The demo and `sightline
verify` are made of it.
"""
