"""Speech: one sentence after another, each as long as a voice needs for it."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import asdict, dataclass

from services.robot.simulator.clock import Activity, Clock
from services.robot.simulator.joints import require_finite

LANGUAGES = (
    "English", "French", "German", "Spanish", "Italian", "Japanese", "Chinese", "Korean", "Portuguese", "Brazilian",
    "Dutch", "Polish", "Czech", "Danish", "Finnish", "Swedish", "Norwegian", "Russian", "Turkish", "Arabic", "Greek",
)  # fmt: skip
PARAMETERS = {
    "speed": (50.0, 400.0),
    "pitchShift": (0.0, 4.0),
    "doubleVoice": (0.0, 4.0),
    "doubleVoiceLevel": (0.0, 4.0),
    "doubleVoiceTimeShift": (0.0, 0.5),
}
_NORMAL = {"speed": 100.0, "pitchShift": 0.0, "doubleVoice": 0.0, "doubleVoiceLevel": 0.0, "doubleVoiceTimeShift": 0.0}

CHARACTERS_PER_S = 14.0
BREATH_S = 0.3
LOGGED_SENTENCES = 100
_VOICE_TAG = re.compile(r"\\\w+(=[^\\]*)?\\")


@dataclass
class Sentence:
    """A sentence that the robot spoke or speaks; ``complete`` is None while it lasts."""

    at_s: float
    ends_s: float
    text: str
    language: str
    volume: float
    complete: bool | None = None


class Voice:
    """The text-to-speech engine. Not thread-safe: its owner serialises the calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._log: deque[Sentence] = deque(maxlen=LOGGED_SENTENCES)
        self._queue: list[Activity] = []
        self._free_at = 0.0
        self.volume = 0.7
        self.language = "English"
        self.parameters = dict(_NORMAL)

    def say(self, text: str, language: str | None = None, at_least_s: float = 0.0) -> Activity:
        """Speak after what is being spoken; the activity ends with the sentence."""
        spoken_in = self._known(self.language if language is None else language)
        plain = _VOICE_TAG.sub("", text).strip()
        begins = max(self._clock.now(), self._free_at)
        takes = len(plain) / CHARACTERS_PER_S * 100.0 / self.parameters["speed"] + BREATH_S if plain else 0.0
        self._free_at = begins + max(takes, at_least_s)
        sentence = Sentence(begins, self._free_at, plain, spoken_in, self.volume)
        self._log.append(sentence)
        activity = Activity(self._clock, self._free_at)
        self._queue = [queued for queued in self._queue if queued.completed is None]
        self._queue.append(activity)
        activity.when_done(lambda completed: self._ended(sentence, completed))
        return activity

    def stop_all(self) -> None:
        """Fall silent and forget what was still to be said."""
        queue, self._queue = self._queue, []
        self._free_at = self._clock.now()
        for activity in queue:
            activity.stop()

    def set_volume(self, volume: float) -> None:
        self.volume = _within("the volume", volume, 0.0, 1.0)

    def set_language(self, language: str) -> None:
        self.language = self._known(language)

    def set_parameter(self, name: str, value: float) -> None:
        if name not in PARAMETERS:
            raise ValueError(f"{name!r} is no parameter of the voice; parameters: {', '.join(PARAMETERS)}")
        self.parameters[name] = _within(name, value, *PARAMETERS[name])

    def reset_speed(self) -> None:
        self.parameters["speed"] = _NORMAL["speed"]

    def spoken(self, since: float) -> list[tuple[float, float, str]]:
        """Return what was said since a moment, as far as it is kept: when each sentence began and ended, its text."""
        now = self._clock.now()
        return [
            (said.at_s, said.ends_s, said.text)
            for said in self._log
            if since <= said.at_s < min(now, said.ends_s) and said.text
        ]

    def log(self) -> list[dict[str, object]]:
        return [asdict(sentence) for sentence in self._log]

    def _ended(self, sentence: Sentence, completed: bool) -> None:
        sentence.complete = completed
        if not completed:
            sentence.ends_s = min(sentence.ends_s, self._clock.now())

    @staticmethod
    def _known(language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(f"language {language!r} is not installed; languages: {', '.join(LANGUAGES)}")
        return language


def _within(what: str, value: float, low: float, high: float) -> float:
    (number,) = require_finite([value], what)
    if not low <= number <= high:
        raise ValueError(f"{what} must be between {low:g} and {high:g}, not {number:g}")
    return number
