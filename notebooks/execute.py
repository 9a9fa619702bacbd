"""Execute the notebooks: ``make notebooks``. Text outputs must equal the stored ones; ``--update`` stores new ones."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> Any:
    """The notebook with new outputs and no trace of when and where it ran; the first error in a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, record_timing=False, coalesce_streams=True, resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    return notebook


def texts(notebook: Any) -> list[str]:
    """What each code cell printed and returned, as text; images are not compared."""
    return [
        "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def main() -> int:
    """Execute all; 1 if stored outputs are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="store the outputs")
    args = parser.parse_args()
    stale = 0
    for path in sorted(FOLDER.glob("*.ipynb")):
        stored, notebook = texts(nbformat.read(path, as_version=4)), execute(path)
        if args.update:
            nbformat.write(notebook, path)
        cells = [number for number, (old, new) in enumerate(zip(stored, texts(notebook), strict=True), 1) if old != new]
        print(f"{path.name}: {len(stored)} code cells, outputs of {cells or 'none'} differ from the stored ones")
        stale += bool(cells) and not args.update
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
