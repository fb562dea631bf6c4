"""Speech: what is said, and how the voice is set."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from services.training.judging.predicates import Says, Voice
from services.training.judging.sight import Event, Sight, Trace, came, limits_text, within
from services.training.judging.timeline import Call

# A word of a script that sets words apart, or one Chinese or Japanese character.
_TOKEN = re.compile(
    r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W_\u2e80-\u9fff\uf900-\ufaff]+(?:'[^\W_\u2e80-\u9fff\uf900-\ufaff]+)*"
)
_SHOWN = 160


def says(value: Says, trace: Trace) -> Sight:
    """Words within one sentence (any), or within all that is spoken (all), and how much that is (length)."""
    spoken = [(sentence.call, _tokens(sentence.text)) for sentence in trace.timeline.sentences]
    text = " / ".join(sentence.text for sentence in trace.timeline.sentences)[:_SHOWN]
    calls = [call for call, words in spoken if value.any is None or any(_has(words, phrase) for phrase in value.any)]
    if not calls:
        return Sight(False, [], f"none of {', '.join(value.any or ())} in “{text}”" if text else "it says nothing")
    for phrase in value.all or ():
        first = next((call for call, words in spoken if _has(words, phrase)), None)
        if first is None:
            return Sight(False, [], f"no “{phrase}” in “{text}”")
        if value.any is None:  # it has been said when the last of them has
            calls = [max(first, calls[0])]
    length = sum(len(words) for _, words in spoken)
    if value.length is not None and not within(length, value.length):
        return Sight(False, [], f"{length} words or characters, {limits_text(value.length)}")
    return came(map(Event, calls), "")


def voice(value: Voice, trace: Trace) -> Sight:
    """Settings of the voice that calls make, and the languages of the sentences."""
    parts: list[Sight] = []
    for what, limits in (("volume", value.volume), ("speed", value.speed), ("pitch", value.pitch)):
        if limits is not None:
            made = [(call.number, getattr(call.voice, what)) for call in trace.timeline.calls if _SETS[what](call)]
            told = ", ".join(f"{setting:g}" for _, setting in made)
            seen = f"{what} set to {told}, {limits_text(limits)}" if made else f"the {what} is not set"
            parts.append(came((Event(number) for number, setting in made if within(setting, limits, 3)), seen))
    if value.language is not None:
        sentences = trace.timeline.sentences
        told = ", ".join(dict.fromkeys(sentence.language for sentence in sentences))
        seen = f"it speaks {told}, not {value.language}" if told else "it says nothing"
        parts.append(came((Event(one.call) for one in sentences if one.language == value.language), seen))
    seen = "; ".join(part.seen for part in parts if not part.holds)
    if seen or len(parts) == 1:
        return Sight(not seen, parts[0].events if not seen else [], seen)
    return came([max(part.events[0] for part in parts)], "")


_SETS: dict[str, Callable[[Call], bool]] = {
    "volume": lambda call: call.name == "ALTextToSpeech.setVolume",
    "speed": lambda call: call.method == "resetSpeed" or (call.method == "setParameter" and call.args[0] == "speed"),
    "pitch": lambda call: call.method == "setParameter" and call.args[0] == "pitchShift",
}


def _tokens(text: str) -> list[str]:
    """The words of a text without case and punctuation; each Chinese character is one."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _TOKEN.findall(plain)


def _has(words: list[str], phrase: str) -> bool:
    wanted = _tokens(phrase)
    return any(words[start : start + len(wanted)] == wanted for start in range(len(words) - len(wanted) + 1))
