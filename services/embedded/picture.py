"""``python -m services.embedded.picture``: draws what a behaviour program does. Run it as scripts/picture."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services.embedded.options import EXAMPLE_SCENE, scene_trouble

_DESCRIPTION = """\
Carries a behaviour program out on a simulated NAO and draws what it does, as an animated SVG that any browser shows.
The program is checked and runs in the sandbox as a request's would, in no time and without any server: the same
program gives the same picture every time.
"""

_EXAMPLES = """\
examples:
  scripts/picture docs/pictures/raise-both-arms.txt --out arms.svg    then open arms.svg in a browser
  scripts/picture program.txt --still > last-moment.svg
  scripts/picture program.txt --scene scene.json --out picture.svg

A program is lines of calls, such as
  ALRobotPosture.goToPosture("Stand", 0.8)
  ALTextToSpeech.say("Hello!")
docs/robots/nao.md has all that there is to call. A scene is JSON as in a request, such as
  {"objects": [{"name": "red ball", "position": [1.0, 0.5, 0.0]}]}

exit status: 0 the picture is made; 1 the program does not run, and standard error says why; 2 wrong usage.
The first run of this or of scripts/quickstart installs the packages (about 190 MB) into .venvs/.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture of a program; return 0, or 1 if the program does not run."""
    parser = argparse.ArgumentParser(
        prog="scripts/picture",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("program", type=Path, metavar="PROGRAM", help="file with a behaviour program")
    parser.add_argument("--scene", type=Path, metavar="FILE", help="JSON file with a scene (default: an empty one)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the SVG goes (default: standard output)")
    parser.add_argument("--still", action="store_true", help="the last moment only")
    options = parser.parse_args(arguments)
    if options.out is not None and not options.out.parent.is_dir():
        parser.error(f"--out: there is no folder {options.out.parent}")
    # Here, because --help has to work where nothing is installed.
    from pydantic import ValidationError

    from services.behavior.check import CheckError
    from services.behavior.program import ProgramError
    from services.behavior.schema import Scene
    from services.picture.draw import draw
    from services.robot.errors import BehaviorFailed
    from services.robot.rehearsal import rehearse

    try:
        scene = Scene.model_validate_json(options.scene.read_bytes()) if options.scene else Scene()
        picture = draw(rehearse(options.program.read_text(encoding="utf-8"), scene), still=options.still)
        if options.out is None:
            print(picture)
        else:
            options.out.write_text(picture + "\n", encoding="utf-8")
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}")
    except ValidationError as error:
        parser.error(f"--scene: {options.scene}: {scene_trouble(error)}; one that is right: {EXAMPLE_SCENE}")
    except UnicodeDecodeError as error:
        parser.error(f"{options.program}: {error}")
    except (ProgramError, CheckError, BehaviorFailed) as error:
        print(f"The program does not run: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    status = main()
    from services.robot.process import exit_now

    exit_now(status)
