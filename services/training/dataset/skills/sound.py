"""Sounds that are no speech: tones, melodies, files."""

from __future__ import annotations

from services.training.dataset.task import Predicate, Step, Task, World, skill

_SOUND: Predicate = {"sound": "tone"}
_PITCHES = {"beep": 1000, "high": 2000, "low": 300}
_TIMES = {
    2: (("two", "2"), ("twice", "two times"), ("两", "2")),
    3: (("three", "3"), ("three times", "3 times"), ("三", "3")),
    4: (("four", "4"), ("four times", "4 times"), ("四", "4")),
    5: (("five", "5"), ("five times", "5 times"), ("五", "5")),
    6: (("six", "6"), ("six times", "6 times"), ("六", "6")),
    10: (("ten", "10"), ("ten times", "10 times"), ("十", "10")),
}
_MELODIES = {
    "scale": ("play a scale", [262, 294, 330, 349, 392, 440, 494, 523], 0.4),
    "three_notes": ("play do re mi", [262, 294, 330], 0.4),
    "alarm": ("sound an alarm", [1200, 600, 1200, 600, 1200, 600], 0.3),
    "tune": ("play a melody", [262, 330, 392, 523, 392, 330, 262], 0.3),
    "rising": ("play rising tones", [300, 500, 700, 900, 1100], 0.3),
    "falling": ("play falling tones", [1100, 900, 700, 500, 300], 0.3),
    "doorbell": ("sound like a doorbell", [659, 523], 0.5),
}
_FILES = ["bip", "begin_reco", "end_reco", "start", "random", "hello", "applause", "intro", "ding", "music1", "fanfare"]


@skill("sound", weight=1.5)
def beep(world: World) -> Task:
    """Beep once, perhaps high or low."""
    kind = world.random.choices(list(_PITCHES), [4, 1, 1])[0]
    goal = "beep" if kind == "beep" else f"{kind} beep"
    return Task([Step(goal, [_tone(_PITCHES[kind], "0.5")])], must=[_SOUND], event=_SOUND, variant=kind, tags=["sound"])


@skill("sound", weight=1.2)
def beep_times(world: World) -> Task:
    """Beep several times."""
    number = world.random.choice(list(_TIMES))
    ones, times, zh = _TIMES[number]
    slots = {"n": world.one_of(ones, zh), "times": world.one_of(times, zh)}
    step = Step("beep again and again", [f"for i in range({number}):", "    " + _tone(1000, "0.5")])
    must: list[Predicate] = [_SOUND, {"calls": {"method": "ALAudioPlayer.playSine", "times": [number, None]}}]
    return Task([step], slots, must=must, event=_SOUND, tags=["sound", "repetition"])


@skill("sound", weight=1.5)
def tone(world: World) -> Task:
    """Play a tone of a frequency, perhaps for a time or on one side."""
    rng = world.random
    hertz = rng.choice([100, 200, 220, 250, 300, 400, 440, 500, 600, 700, 800, 880, 1000, 1200, 1500, 2000, 3000, 5000])
    seconds = rng.choice([0.5, 1, 2, 2, 3, 4, 5, 8, 10])
    kind = rng.choices(["timed", "plain", "left", "right"], [5, 3, 1, 1])[0]
    pan = {"left": -1, "right": 1}.get(kind, 0)
    lasts = float(seconds) if kind == "timed" else 1.0
    kilo = hertz >= 1000 and hertz % 500 == 0 and rng.random() < 0.3
    frequency = f"{hertz / 1000:g} {world.one_of(['kHz', 'kilohertz'], ['kHz', '千赫'])}"
    if not kilo:
        frequency = f"{hertz} {world.one_of(['Hz', 'hertz', 'Hertz'], ['Hz', '赫兹', '赫'])}"
    unit = world.say("second" if seconds == 1 else "seconds", "秒")
    number = world.say("half a second", "半秒") if seconds == 0.5 else f"{seconds:g} {unit}"
    step = Step("play a tone", [f"ALAudioPlayer.playSine({hertz}, 50, {pan}, {lasts})"])
    slots = {"frequency": frequency, "seconds": number}
    return Task([step], slots, must=[_SOUND], event=_SOUND, variant=kind, tags=["sound"])


@skill("sound", weight=1.2)
def melody(world: World) -> Task:
    """Play a few notes, one after another."""
    kind = world.random.choices(list(_MELODIES), [2, 1, 3, 3, 1, 1, 1])[0]
    goal, notes, seconds = _MELODIES[kind]
    step = Step(goal, [f"for note in {notes}:", f"    ALAudioPlayer.playSine(note, 50, 0, {seconds})"])
    must: list[Predicate] = [_SOUND, {"calls": {"method": "ALAudioPlayer.playSine", "times": [len(notes), None]}}]
    return Task([step], must=must, event=_SOUND, variant=kind, tags=["sound"])


@skill("sound", weight=0.8)
def play_file(world: World) -> Task:
    """Play a sound file that comes with the robot, by its name."""
    name = world.random.choice(_FILES)
    path = f"/usr/share/naoqi/wav/{name}.wav"
    shown = {"sound": "file"}
    file = world.random.choice([f"{name}.wav", f"{name}.wav", path])
    step = Step("play the sound file", [f'ALAudioPlayer.playFile("{path}")'])
    return Task([step], {"file": file}, must=[shown], event=shown, tags=["sound"])


@skill("sound", weight=0.5)
def stop_sounds(world: World) -> Task:
    """Stop all sounds."""
    shown = {"calls": {"method": "ALAudioPlayer.stopAll", "times": [1, None]}}
    step = Step("stop the sounds", ["ALAudioPlayer.stopAll()"])
    return Task([step], must=[shown], event=shown, tags=["sound"])


def _tone(hertz: int, seconds: str) -> str:
    return f"ALAudioPlayer.playSine({hertz}, 50, 0, {seconds})"
