"""The fabric: names, offsets and bytes; it knows nothing of the business."""
