"""``python -m services.embedded.quickstart``: from an instruction to a robot that acts, and away again."""

from __future__ import annotations

import argparse
import contextlib
import functools
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
from services.embedded.options import DEFAULT_INSTRUCTIONS, names, parse
from services.embedded.ports import LoopbackDown, PortTaken
from services.embedded.stack import MERGED, ROOT, SERVICES, Stack, StackError
from services.engines.llamacpp.merged import PATTERN

#: What each robot may be asked after its default instruction.
_NEXT = {"nao": "Walk forward one metre", "porter": "Go to the kitchen and say hello"}
_CHECK_S = 0.2
_SILENCE_S = 5.0
_LONGEST_S = 330.0  # the worker gives up on a behaviour after 300 s


class BehaviorFailed(Exception):
    """The behaviour ended without success or refusal; the message is the reason."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the quick start; returns the exit status."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    console = standard_console(options.json)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _terminated)
    logs = reports() / "behavior-logs"
    if reports().parent != ROOT:
        console.progress(f"{ROOT} cannot be written: the picture, and logs if it fails, go to {reports()}.")
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
    except LoopbackDown as down:
        console.failure(str(down))
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
    if options.robot == "nao" and not any(MERGED.glob(PATTERN)):
        console.progress(
            "The first start puts the fine-tuning into the model's weights, which takes some seconds more …"
        )
    with stack:
        console.progress(f"Everything is up after {time.monotonic() - began:.1f} s.")
        if not options.json:
            console.asked(instruction, names(options.scene))
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
            request = {"instruction": instruction, "robot": options.robot, "scene": options.scene}
            behavior_id = submit(stack.router_url, request)
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
    began = heard = time.monotonic()
    last, told = "", False
    while time.monotonic() < began + _LONGEST_S:
        try:
            event = events.get(timeout=_CHECK_S)
        except queue.Empty:
            stack.check()
            if not told and time.monotonic() > heard + _SILENCE_S:
                console.silence(last)
                told = True
            continue
        heard, told = time.monotonic(), False
        if isinstance(event, RouterProblem):
            raise event
        if isinstance(event, Exception):
            stack.check()  # a dead service says more than a broken connection
            raise StackError(f"The router's answer broke off: {event}")
        if event.name in TERMINAL_EVENTS:
            return event.data
        last = event.name
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


@functools.cache
def reports() -> Path:
    """The folder for what outlives a run: the project's own, or a new private one where that cannot be written."""
    own = ROOT / "reports"
    with contextlib.suppress(OSError):
        own.mkdir(exist_ok=True)
    return own if os.access(own, os.W_OK) and own.is_dir() else Path(tempfile.mkdtemp(prefix="behavior-reports-"))


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
