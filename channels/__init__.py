"""Publish, follow, history, recovery and presence; knows names, offsets and bytes, nothing of the business."""
