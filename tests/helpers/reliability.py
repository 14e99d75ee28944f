"""The table of docs/reliability.md from what the tests noted in a folder; `make reliability` calls it.

The text around the table stays as it is in the file.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = "| fault | tries | files lost | files wrong | by hand |\n|---|---|---|---|---|\n"


def table(folder: Path) -> str:
    """One row a fault, sorted; the tries of a fault in several tests are added up."""
    rows = defaultdict(lambda: [0, 0, 0, ""])
    for path in sorted(folder.glob("*.json")):
        noted = json.loads(path.read_text())
        row = rows[noted["fault"]]
        rows[noted["fault"]] = [row[i] + noted[k] for i, k in enumerate(("tries", "lost", "wrong"))] + [
            noted["by_hand"]
        ]
    return HEAD + "".join(f"| {fault} | {' | '.join(map(str, row))} |\n" for fault, row in sorted(rows.items()))


def replaced(page: str, new: str) -> str:
    """The page with another table in place of its own."""
    start = page.index(HEAD.splitlines()[0])
    rest = page[start:].splitlines(keepends=True)
    end = next((i for i, line in enumerate(rest) if not line.startswith("|")), len(rest))
    return page[:start] + new + "".join(rest[end:])


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(), table(Path(sys.argv[1]))))
