"""How the voice sounds: loudness, speed, pitch, language, silence."""

from __future__ import annotations

from services.training.dataset.sayings import line, said
from services.training.dataset.skills.reciting import foreign, hello
from services.training.dataset.task import Predicate, Step, Task, World, skill

_VOLUMES = {
    "louder": ("speak louder", "0.9", [0.8, 1.0]),
    "quieter": ("speak more quietly", "0.3", [0.0, 0.4]),
    "loudest": ("speak as loud as possible", "1.0", [0.99, 1.0]),
    "normal_volume": ("speak at normal volume", "0.7", [0.5, 0.8]),
}
_SPEEDS = {"faster": ("speak faster", 150, [110, 400]), "slower": ("speak slower", 70, [50, 90])}


@skill("voice", weight=3.0)
def volume(world: World) -> Task:
    """Make the voice louder or quieter."""
    kind = world.random.choices(list(_VOLUMES), [8, 8, 2, 2])[0]
    goal, level, heard = _VOLUMES[kind]
    return _set(goal, f"ALTextToSpeech.setVolume({level})", {"volume": heard}, variant=kind)


@skill("voice", weight=0.4, joins=False)
def mute(world: World) -> Task:
    """Take the voice away; nothing that is said after it would be heard."""
    return _set("mute the voice", "ALTextToSpeech.setVolume(0.0)", {"volume": [0.0, 0.05]})


@skill("voice", weight=1.5)
def volume_percent(world: World) -> Task:
    """Set the volume of the voice to so many percent."""
    percent = world.random.choice([*range(5, 100, 5), 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 33, 66, 75])
    heard = {"volume": [round(percent / 100 - 0.02, 2), round(percent / 100 + 0.02, 2)]}
    words = {25: ("a quarter", "四分之一"), 50: ("half", "一半")}
    said_as = [f"{percent}%", f"{percent} %", f"{percent} percent", f"{percent} per cent"]
    said_in_chinese = [f"{percent}%", f"百分之{percent}"]
    if percent in words and world.random.random() < 0.3:
        said_as, said_in_chinese = [words[percent][0]], [words[percent][1]]
    slots = {"percent": world.one_of(said_as, said_in_chinese)}
    return _set("set the volume", f"ALTextToSpeech.setVolume({percent} / 100)", heard, slots=slots)


@skill("voice", weight=2.5)
def speed(world: World) -> Task:
    """Make the voice faster or slower."""
    kind = world.random.choice(list(_SPEEDS))
    goal, percent, heard = _SPEEDS[kind]
    return _set(goal, f'ALTextToSpeech.setParameter("speed", {percent})', {"speed": heard}, variant=kind)


@skill("voice", weight=0.7)
def speed_percent(world: World) -> Task:
    """Set the speed of the voice to so many percent."""
    percent = world.random.choice([50, 60, 70, 75, 80, 90, 110, 120, 125, 130, 150, 180, 200, 250, 300])
    slots = {
        "percent": world.one_of(
            [f"{percent}%", f"{percent} percent", f"{percent} %"], [f"{percent}%", f"百分之{percent}"]
        )
    }
    heard = {"speed": [percent - 1, percent + 1]}
    return _set("set the speed", f'ALTextToSpeech.setParameter("speed", {percent})', heard, slots=slots)


@skill("voice", weight=1.5)
def pitch(world: World) -> Task:
    """Make the voice higher, or as deep as it can be."""
    kind = world.random.choices(["higher", "deeper"], [5, 3])[0]
    if kind == "higher":
        call, heard = 'ALTextToSpeech.setParameter("pitchShift", 1.3)', [1.05, 4.0]
        return _set("use a higher voice", call, {"pitch": heard}, variant=kind)
    # The voice can be shifted up only: without a shift it is as deep as it can be.
    call = 'ALTextToSpeech.setParameter("pitchShift", 0)'
    return _set("use a deeper voice", call, {"pitch": [0.0, 1.0]}, variant=kind)


@skill("voice")
def normal_voice(world: World) -> Task:
    """Speak at the normal speed and pitch again."""
    kind = world.random.choices(["speed", "voice"], [2, 1])[0]
    reset = "ALTextToSpeech.resetSpeed()"
    reset_called: Predicate = {"calls": {"method": "ALTextToSpeech.resetSpeed", "times": [1, None]}}
    shifted: Predicate = {"voice": {"pitch": [0.0, 1.0]}}
    lines = [reset] if kind == "speed" else [reset, 'ALTextToSpeech.setParameter("pitchShift", 0)']
    must = [reset_called] if kind == "speed" else [reset_called, shifted]
    return Task([Step(f"normal {kind}", lines)], must=must, event=reset_called, variant=kind, tags=["voice"])


@skill("voice", weight=1.2, joins=False)
def voice_language(world: World) -> Task:
    """Speak another language from now on."""
    other, name = foreign(world)
    text = hello(other)
    step = Step(f"speak {other}", [f'ALTextToSpeech.setLanguage("{other}")', line(text)])
    must = [{"voice": {"language": other}}, said(text.lstrip("¡¿"))]
    return Task([step], {"language": name}, must=must, event=must[1], tags=["voice", "language"])


@skill("voice", weight=1.2, joins=False)
def be_quiet(world: World) -> Task:
    """Stop speaking."""
    shown = {"calls": {"method": "ALTextToSpeech.stopAll", "times": [1, None]}}
    step = Step("stop talking", ["ALTextToSpeech.stopAll()"])
    return Task([step], must=[shown], event=shown, must_not=[{"says": {}}], tags=["voice"])


def _set(goal: str, call: str, heard: Predicate, *, slots: dict[str, str] | None = None, variant: str = "") -> Task:
    shown = {"voice": heard}
    return Task([Step(goal, [call])], slots or {}, must=[shown], event=shown, variant=variant, tags=["voice"])
