"""Types lines into jupyter console, the program, and prints what it shows."""

import subprocess
import sys

typed = sys.stdin.read()
done = subprocess.run(
    [sys.executable, "-m", "jupyter_console", "--kernel", "riffle", "--simple-prompt"],
    input=typed,
    capture_output=True,
    text=True,
    timeout=60,
)
print(done.stdout)
print(done.stderr, file=sys.stderr)
sys.exit(done.returncode)
