"""Models from elsewhere: what an ONNX file is taken for, and the same model wrapped into the contract."""
