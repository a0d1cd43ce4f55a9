"""How many mutants did the tests notice, file by file? The page docs/mutation.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from tests.mutation.mutant import Mutant
from tests.mutation.review import Reasons

_ABOUT = """\
# Would a test notice?

Written by `make mutation`, from mutants of every file in [mesh/resilience](../mesh/resilience). Each is run against the
tests that pass its lines (tests/resilience and tests/hosting, without those that start processes) until one fails.

- **Without a line**: a statement does nothing, a guard never holds, a handler, an argument or an entry is gone.
- **With a wrong expression**: `<` for `<=`, `and` for `or`, None for an argument, one more, and the rest of
  mutmut's catalogue. Not in peer, stub, sampled and telemetry, which decide nothing.

The tests against a model (`test_*_model.py`) do not take part: what fails must say by its name what is broken. A mutant
that survives without a reason in [survivors.yaml](../tests/mutation/survivors.yaml) fails the command; so does a reason
whose mutant does not survive, or does not exist any more.
"""
_TABLE = """
| file | without a line | survive | with a wrong expression | survive |
|---|---:|---:|---:|---:|
"""


def page(noticed: Mapping[Mutant, str], explained: Reasons) -> str:
    """The page. `noticed`: by which test, "" for none."""
    return "".join([_ABOUT, _TABLE, *_rows(noticed), "\n## Survivors, and why they may\n", *_survivors(explained)])


def _rows(noticed: Mapping[Mutant, str]) -> Iterator[str]:
    for file, mutants in groupby(sorted(noticed, key=lambda each: each.file), lambda each: each.file):
        yield _row(f"[{file}](../mesh/resilience/{file})", noticed, list(mutants))
    yield _row("**all**", noticed, noticed)


def _row(name: str, noticed: Mapping[Mutant, str], mutants: Iterable[Mutant]) -> str:
    lines = [not noticed[each] for each in mutants if each.deletes]
    words = [not noticed[each] for each in mutants if not each.deletes]
    return f"| {name} | {len(lines)} | {sum(lines)} | {len(words)} | {sum(words)} |\n"


def _survivors(explained: Reasons) -> Iterator[str]:
    for reason, keys in groupby(explained, lambda key: explained[key]):
        yield f"\n{reason}\n\n"
        yield from (f"- `{key}`\n" for key in keys)
