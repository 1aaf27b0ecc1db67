"""kubeseal-auto at a terminal, with somebody who answers.

    answer.py FLAG …     runs it; stdin is a JSON list of [what it asks, the keys that are pressed then]

What the terminal showed, without its control sequences, goes to stdout; the exit code is that of kubeseal-auto.
"""

import json
import os
import pty
import re
import select
import sys
import time

CONTROL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-_])")
PATIENCE = 120


def main() -> int:
    answers = json.load(sys.stdin)
    child, terminal = pty.fork()
    if child == 0:
        program = "import sys; from kubeseal_auto.cli import cli; cli(prog_name='kubeseal-auto')"
        os.environ.update(TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1", COLUMNS="200")
        os.execv(sys.executable, [sys.executable, "-c", program, *sys.argv[1:]])
    shown = b""
    answered = 0
    deadline = time.monotonic() + PATIENCE
    while True:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            print(f"it waits for something else than {answers[:1]}", file=sys.stderr)
            os.kill(child, 9)
            break
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux: the other end is closed.
            break
        if not part:
            break
        shown += part
        # An answer counts for what was asked after the one before it.
        if answers and answers[0][0].encode() in CONTROL.sub(b"", shown[answered:]):
            answered = len(shown)
            os.write(terminal, answers.pop(0)[1].encode())
    sys.stdout.buffer.write(CONTROL.sub(b"", shown))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
