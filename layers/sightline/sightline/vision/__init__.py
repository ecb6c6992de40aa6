"""Images and models: the one inference code that evaluation, device and Lambda run. Imports numpy, Pillow,
onnxruntime.
"""
