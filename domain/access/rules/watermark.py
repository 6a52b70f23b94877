"""Up to where nothing is missing in a gate's journal, and what is missing above."""

from collections.abc import Iterable


def advance(watermark: int, seqs: Iterable[int]) -> tuple[int, list[tuple[int, int]]]:
    """Returns the new watermark once `seqs` are there too, and the holes between it and the highest of them."""
    gaps: list[tuple[int, int]] = []
    reached = watermark
    for seq in sorted(set(seqs)):
        if seq <= reached:
            continue
        if seq > reached + 1:
            gaps.append((reached + 1, seq - 1))
        reached = seq
    return (gaps[0][0] - 1 if gaps else reached), gaps
