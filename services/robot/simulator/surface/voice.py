"""ALTextToSpeech, ALAnimatedSpeech, ALAnimationPlayer, ALBehaviorManager and ALAudioPlayer."""

from __future__ import annotations

import qi

from services.robot.simulator.animations import ANIMATIONS, duration_s, tagged
from services.robot.simulator.clock import Activity
from services.robot.simulator.surface.base import Service, method
from services.robot.simulator.voice import LANGUAGES

FILE_S = 2.0  # files are not read: every sound lasts as long
SOUND_S = 1.0


@qi.multiThreaded()
class ALTextToSpeech(Service):
    """Speech."""

    @method(qi.Void, qi.String)
    def say(self, text: str) -> Activity:
        return self._nao.voice.say(text)

    @method(qi.Void, qi.String, qi.String, name="say")
    def say_in(self, text: str, language: str) -> Activity:
        return self._nao.voice.say(text, language)

    @method(qi.Void, qi.Float)
    def setVolume(self, volume: float) -> None:
        self._nao.voice.set_volume(volume)

    @method(qi.Float)
    def getVolume(self) -> float:
        return self._nao.voice.volume

    @method(qi.Void, qi.String)
    def setLanguage(self, language: str) -> None:
        self._nao.voice.set_language(language)

    @method(qi.String)
    def getLanguage(self) -> str:
        return self._nao.voice.language

    @method(qi.Void, qi.String, qi.Float)
    def setParameter(self, name: str, value: float) -> None:
        self._nao.voice.set_parameter(name, value)

    @method(qi.Void)
    def resetSpeed(self) -> None:
        self._nao.voice.reset_speed()

    @method(qi.Void)
    def stopAll(self) -> None:
        self._nao.voice.stop_all()

    @method(qi.List(qi.String))
    def getAvailableLanguages(self) -> list[str]:
        return list(LANGUAGES)


@qi.multiThreaded()
class ALAnimatedSpeech(Service):
    """Speech with gestures."""

    @method(qi.Void, qi.String)
    def say(self, text: str) -> Activity:
        return self._nao.say_animated(text)

    @method(qi.Void, qi.String, qi.Dynamic, name="say")
    def say_with(self, text: str, configuration: dict[str, str]) -> Activity:
        _require_mode(configuration.get("bodyLanguageMode", self._nao.body_language))
        return self._nao.say_animated(text)

    @method(qi.Void, qi.String)
    def setBodyLanguageModeFromStr(self, mode: str) -> None:
        _require_mode(mode)
        self._nao.body_language = mode


def _require_mode(mode: str) -> None:
    if mode not in ("disabled", "random", "contextual"):
        raise ValueError(f"{mode!r} is no body language mode; modes: disabled, random, contextual")


@qi.multiThreaded()
class ALAnimationPlayer(Service):
    """Installed animations."""

    @method(qi.Void, qi.String)
    def run(self, path: str) -> Activity:
        return self._nao.animate(path)

    @method(qi.Void, qi.String)
    def runTag(self, tag: str) -> Activity:
        return self._nao.animate(tagged(tag, "Sit" if self._nao.motion.body.family() == "Sitting" else "Stand"))

    @method(qi.Void, qi.String, qi.String, name="runTag")
    def run_tag_in(self, tag: str, posture: str) -> Activity:
        return self._nao.animate(tagged(tag, posture))

    @method(qi.Void)
    def reset(self) -> None:
        self._nao.stop_animations()


@qi.multiThreaded()
class ALBehaviorManager(Service):
    """Installed behaviours, which on this robot are its animations."""

    @method(qi.Void, qi.String)
    def runBehavior(self, path: str) -> Activity:
        return self._nao.animate(path)

    @method(qi.Void, qi.String)
    def startBehavior(self, path: str) -> None:
        self._nao.animate(path)

    @method(qi.Void, qi.String)
    def stopBehavior(self, path: str) -> None:
        duration_s(path)
        self._nao.stop_animation(path)

    @method(qi.Void)
    def stopAllBehaviors(self) -> None:
        self._nao.stop_animations()

    @method(qi.Bool, qi.String)
    def isBehaviorInstalled(self, path: str) -> bool:
        return path in ANIMATIONS

    @method(qi.List(qi.String))
    def getInstalledBehaviors(self) -> list[str]:
        return list(ANIMATIONS)

    @method(qi.List(qi.String))
    def getRunningBehaviors(self) -> list[str]:
        return self._nao.playing()


@qi.multiThreaded()
class ALAudioPlayer(Service):
    """Sounds."""

    @method(qi.Void, qi.String)
    def playFile(self, path: str) -> Activity:
        return self._nao.sound(FILE_S)

    @method(qi.Void, qi.String, qi.Float, qi.Float, name="playFile")
    def play_file_at(self, path: str, volume: float, pan: float) -> Activity:
        return self._nao.sound(FILE_S)

    @method(qi.Void, qi.String)
    def playSoundSetFile(self, sound: str) -> Activity:
        return self._nao.sound(SOUND_S)

    @method(qi.Void, qi.Int32, qi.Int32, qi.Int32, qi.Float)
    def playSine(self, frequency: int, gain: int, pan: int, seconds: float) -> Activity:
        return self._nao.sound(seconds)

    @method(qi.Void, qi.Float)
    def setMasterVolume(self, volume: float) -> None:
        if not 0.0 <= volume <= 1.0:
            raise ValueError(f"the volume must be between 0 and 1, not {volume}")
        self._nao.master_volume = volume

    @method(qi.Void)
    def stopAll(self) -> None:
        self._nao.stop_sounds()
