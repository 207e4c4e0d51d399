"""Runs a cell that prints N lines through nbclient and says what the saved notebook holds: `lines`, `ordered`, `seconds`."""

import json
import sys
import time

import nbformat
from nbclient import NotebookClient

count = int(sys.argv[1])
kernel = sys.argv[2] if len(sys.argv) > 2 else "riffle"
code = sys.argv[3] if len(sys.argv) > 3 else f"for (let i = 0; i < {count}; i++) console.log('line ' + i)"
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
client = NotebookClient(notebook, kernel_name=kernel, timeout=120)
with client.setup_kernel():
    begun = time.monotonic()
    client.execute_cell(notebook.cells[0], 0)
    seconds = time.monotonic() - begun
text = "".join(output["text"] for output in notebook.cells[0].outputs if output.output_type == "stream")
lines = text.splitlines()
print(json.dumps({"lines": len(lines), "ordered": lines == [f"line {i}" for i in range(count)], "seconds": seconds}))
