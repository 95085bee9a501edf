"""Training of Goshawk's small detectors: from simulated scenes to an ONNX file with its lineage."""
