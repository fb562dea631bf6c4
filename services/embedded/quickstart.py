"""``python -m services.embedded.quickstart``: from an instruction to a robot that acts, and away again."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.embedded.client import TERMINAL_EVENTS, Event, RouterProblem, fetch, follow, submit
from services.embedded.console import Console, standard_console
from services.embedded.ports import PortTaken
from services.embedded.stack import ROOT, SERVICES, Stack, StackError

#: What each robot does when nothing else is asked of it, and what it may be asked next.
DEFAULT_INSTRUCTIONS = {"nao": "Wave and say hello", "porter": "Go to the bedroom and say good night"}
_NEXT = {"nao": "Walk forward one metre", "porter": "Go to the kitchen"}
_CHECK_S = 0.2
_LONGEST_S = 330.0  # the worker gives up on a behaviour after 300 s

_EXAMPLES = """\
examples:
  scripts/quickstart                                   wave and say hello
  scripts/quickstart "Walk forward one metre"
  scripts/quickstart --robot porter "Go to the kitchen"
  scripts/quickstart --json "Say good morning to everybody" | jq .actions
  scripts/quickstart --keep --port 8000                then talk to it with curl; Ctrl-C ends it

The first run installs the packages (about 170 MB) into .venvs/; later runs start in seconds. Everything runs on this
machine and on loopback only: a Redis-protocol store, llama.cpp with a small model, a simulated NAO that speaks the real
NAOqi protocol, the worker and the router. Nothing keeps running afterwards.

exit status: 0 the robot did it, or the engine refused with a reason; 1 it did not work, and standard error says why;
2 wrong usage. PYTHON=/path/to/python chooses the Python (3.11 or 3.12, with pip).
"""


class BehaviorFailed(Exception):
    """The behaviour ended without success or refusal; the message is the reason."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Command-line arguments; exits with status 2 on wrong ones."""
    parser = argparse.ArgumentParser(
        prog="scripts/quickstart",
        description="Turns an instruction in plain words into a checked program and runs it on a simulated robot.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = DEFAULT_INSTRUCTIONS["nao"]
    parser.add_argument("instruction", nargs="*", metavar="INSTRUCTION", help=f'default: "{default}"')
    parser.add_argument(
        "--robot",
        choices=[*DEFAULT_INSTRUCTIONS],
        default="nao",
        help="the simulated NAO, or a Porter, which drives between rooms and carries things (default: nao)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the result document alone; the rest is on standard error"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything up until Ctrl-C and print the addresses")
    parser.add_argument("--port", type=_port, default=0, help="the router's port (default: any free one)")
    options = parser.parse_args(arguments)
    from services.behavior.schema import MAX_INSTRUCTION_CHARACTERS  # not needed, nor there yet, for --help

    given = options.instruction
    options.instruction = " ".join(given).strip() if given else DEFAULT_INSTRUCTIONS[options.robot]
    if not 1 <= len(options.instruction) <= MAX_INSTRUCTION_CHARACTERS:
        # Not left to the router, which is up only after seconds.
        length = len(options.instruction)
        parser.error(f"the instruction has {length} characters; give it 1 to {MAX_INSTRUCTION_CHARACTERS}")
    return options


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a port; use a number from 1 to 65535")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the quick start; returns the exit status."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    console = standard_console(options.json)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _terminated)
    logs = reports() / "behavior-logs"
    services = SERVICES if options.robot == "nao" else (*SERVICES, options.robot)
    stack = Stack(services, router_port=options.port, report=console.waiting, failure_logs=logs)
    try:
        run(stack, options, console)
    except BehaviorFailed as failure:
        console.failure(f"Failed: {failure} (logs: {logs})")
    except RouterProblem as problem:
        console.failure(f"{problem} (logs: {logs})")
    except PortTaken as taken:
        console.failure(f"{str(taken).capitalize()}: choose another with --port, or leave --port out.")
    except StackError as error:
        console.failure(f"{error}\nAll logs: {logs}")
    except BrokenPipeError:
        # Whoever read our output has gone. Python would complain about that once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        console.failure(f"The operating system did not let it run: {error}. Mend that and run again.")
    except KeyboardInterrupt:
        console.progress("Interrupted; everything is stopped.")
        return 128 + signal.SIGINT
    else:
        return 0
    return 1


def _terminated(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)


def run(stack: Stack, options: argparse.Namespace, console: Console) -> None:
    """Bring the stack up, have the instruction carried out and, if asked to, stay.

    Raises:
        BehaviorFailed, RouterProblem, PortTaken, StackError
    """
    began = time.monotonic()
    instruction = options.instruction
    with stack:
        console.progress(f"Everything is up after {time.monotonic() - began:.1f} s.")
        if not options.json:
            console.line(f"\n{console.paint(instruction, 'bold')}\n")
        failure: BehaviorFailed | RouterProblem | None = None
        try:
            carry_out(stack, instruction, options, console)
        except (BehaviorFailed, RouterProblem) as error:
            if not options.keep:
                raise
            failure = error
        if options.keep:
            if failure:
                console.failure(str(failure))
            keep(stack, options.robot, console)
        if failure:
            raise failure
    if not options.json and not options.keep:
        console.line(f"\n{next_steps(instruction, options.robot)}")


def next_steps(instruction: str, robot: str) -> str:
    """What to try after this instruction."""
    curl = "--keep leaves it up for curl; README.md shows the API, DEPLOY.md the way to production."
    if instruction == DEFAULT_INSTRUCTIONS[robot]:
        command = "scripts/quickstart" if robot == "nao" else f"scripts/quickstart --robot {robot}"
        return f'Next: an instruction of your own, {command} "{_NEXT[robot]}";\n      {curl}'
    return f"Next: {curl}"


def carry_out(stack: Stack, instruction: str, options: argparse.Namespace, console: Console) -> None:
    """Send the instruction and show what comes of it.

    Raises:
        RouterProblem: the router did not take it.
        BehaviorFailed: it failed or was cancelled.
        StackError: a service died meanwhile.
    """
    events: queue.SimpleQueue[Event | Exception] = queue.SimpleQueue()

    def read() -> None:
        try:
            behavior_id = submit(stack.router_url, {"instruction": instruction, "robot": options.robot})
            for event in follow(stack.router_url, behavior_id):
                events.put(event)
        except Exception as error:
            events.put(error)

    threading.Thread(target=read, daemon=True).start()
    result = _show_until_done(events, stack, options, console)
    if result["picture"]:  # with --json too: the console is standard error then
        console.picture(show_picture(stack.router_url, result["picture"], keep=options.keep))
    if options.json:
        print(json.dumps(result, indent=2, ensure_ascii=False), flush=True)
    else:
        console.line()
        console.outcome(result)
    if result["status"] not in ("succeeded", "refused"):
        error = result["error"] or {"message": f"the behaviour was {result['status']}", "statement": None}
        where = f" in `{error['statement']}`" if error["statement"] else ""
        raise BehaviorFailed(f"{error['message'].rstrip('.')}{where}")


def _show_until_done(
    events: queue.SimpleQueue[Event | Exception], stack: Stack, options: argparse.Namespace, console: Console
) -> dict[str, Any]:
    """Show the events as they come; returns the result document of the terminal one."""
    deadline = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline:
        try:
            event = events.get(timeout=_CHECK_S)
        except queue.Empty:
            stack.check()
            continue
        if isinstance(event, RouterProblem):
            raise event
        if isinstance(event, Exception):
            stack.check()  # a dead service says more than a broken connection
            raise StackError(f"The router's answer broke off: {event}")
        if event.name in TERMINAL_EVENTS:
            return event.data
        if not options.json:
            console.event(event.name, event.data)
    raise StackError(f"No end of the behaviour within {_LONGEST_S:.0f} s.")


def show_picture(router_url: str, path: str, *, keep: bool) -> str:
    """Return where a browser finds the picture: at the router that stays up, or in a file that is written for it."""
    if keep:
        return router_url + path
    try:
        picture = fetch(router_url, path)
    except (RouterProblem, OSError, http.client.HTTPException) as error:
        return f"none: {error}"
    try:
        whole = reports() / "behavior.svg"
        part = whole.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(picture)
        part.replace(whole)  # a browser that shows the last one never sees half of this one
    except OSError as error:
        return f"none: {error}"
    return str(whole)


def reports() -> Path:
    """The folder for what outlives a run: the project's own, or that of temporary files where it cannot be written."""
    own = ROOT / "reports"
    with contextlib.suppress(OSError):
        own.mkdir(exist_ok=True)
    return own if os.access(own, os.W_OK) and own.is_dir() else Path(tempfile.gettempdir())


def keep(stack: Stack, robot: str, console: Console) -> None:
    """Print the addresses and stay until Ctrl-C, or until a service dies (StackError)."""
    example = json.dumps({"instruction": "Close your left hand" if robot == "nao" else _NEXT[robot], "robot": robot})
    robot_url = stack.simulator_url if robot == "nao" else stack.porter_url
    console.line(f"""
Everything stays up until Ctrl-C.
  Router      {stack.router_url}    (API: {stack.router_url}/openapi.json)
  Robot       {robot_url}    (NAOqi: qi.Session().connect(…))
  Store       {stack.redis_url}
  Logs        {stack.directory}

  curl -s '{stack.router_url}/v1/behaviors?wait=60' -H 'Content-Type: application/json' -d '{example}'
  curl -N {stack.router_url}/v1/behaviors/ID/events""")
    try:
        while True:
            stack.check()
            time.sleep(_CHECK_S)
    except KeyboardInterrupt:
        console.progress("Stopping …")


if __name__ == "__main__":
    sys.exit(main())
