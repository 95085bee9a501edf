"""Exports networks with their own tools, and compares the runtime's detections with theirs."""
