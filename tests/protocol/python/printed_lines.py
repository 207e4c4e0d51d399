"""Runs a cell that prints N lines through nbclient and says what the saved notebook holds: `lines`, `ordered`, `seconds`.

Arguments: N, kernel, code, limit in seconds; a cell that does not end in time is told with what it had shown by then.
"""

import json
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

count = int(sys.argv[1])
kernel = sys.argv[2] if len(sys.argv) > 2 else "riffle"
code = sys.argv[3] if len(sys.argv) > 3 else f"for (let i = 0; i < {count}; i++) console.log('line ' + i)"
limit = int(sys.argv[4]) if len(sys.argv) > 4 else 120
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
client = NotebookClient(notebook, kernel_name=kernel, timeout=limit)
ended = True
with client.setup_kernel():
    begun = time.monotonic()
    try:
        client.execute_cell(notebook.cells[0], 0)
    except (CellTimeoutError, DeadKernelError):
        ended = False
    seconds = time.monotonic() - begun
text = "".join(output["text"] for output in notebook.cells[0].outputs if output.output_type == "stream")
lines = text.splitlines()
ordered = lines == [f"line {i}" for i in range(count)]
print(json.dumps({"lines": len(lines), "ordered": ordered, "seconds": seconds, "ended": ended}))
