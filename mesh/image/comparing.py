"""Are two images the same, and if not, what differs? Layers by their content, then file by file."""

from __future__ import annotations

from collections.abc import Iterator

from mesh.image.archive import Archive


def differences(one: Archive, other: Archive) -> Iterator[str]:
    """A line for each; none when whoever pulls one has pulled the other."""
    mine, theirs = one.images()[0], other.images()[0]
    if len(mine.layers) != len(theirs.layers):
        yield f"{len(mine.layers)} layers, and {len(theirs.layers)}"
    for number, (layer, twin) in enumerate(zip(mine.layers, theirs.layers, strict=False)):
        if layer.diff_id != twin.diff_id:
            yield from (f"layer {number}: {line}" for line in _files(one, other, number))
    if mine.config != theirs.config:
        yield f"config: {mine.config} and {theirs.config}"


def _files(one: Archive, other: Archive, number: int) -> Iterator[str]:
    mine, theirs = one.entries(number), other.entries(number)
    for path in sorted(mine.keys() | theirs.keys()):
        if mine.get(path) != theirs.get(path):
            yield f"/{path}: {mine.get(path, 'absent')} and {theirs.get(path, 'absent')}"
    if mine.keys() == theirs.keys() and list(mine) != list(theirs):
        yield "the order of its files"
