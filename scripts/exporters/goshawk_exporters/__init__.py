"""Exports networks as their own tools do, and compares what the runtime finds with what they find."""
