"""ALFaceDetection and ALSpeechRecognition: what they are set to; nobody is there to be seen or heard."""

from __future__ import annotations

import qi

from services.robot.simulator.nao import Nao
from services.robot.simulator.surface.base import method
from services.robot.simulator.surface.sense import Sense
from services.robot.simulator.voice import LANGUAGES


@qi.multiThreaded()
class ALFaceDetection(Sense):
    """Seeing faces."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._recognises = True

    @method(qi.Void, qi.String, qi.Int32, qi.Float, name="subscribe")
    def subscribe_every(self, client: str, period_ms: int, precision: float) -> None:
        self._take(client)

    @method(qi.Void, qi.Bool)
    def setRecognitionEnabled(self, enabled: bool) -> None:
        self._recognises = enabled

    @method(qi.Bool)
    def isRecognitionEnabled(self) -> bool:
        return self._recognises


@qi.multiThreaded()
class ALSpeechRecognition(Sense):
    """Hearing words."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._words: list[str] = []
        self._language = "English"
        self._paused = False

    @method(qi.Void, qi.List(qi.String), qi.Bool)
    def setVocabulary(self, words: list[str], spotting: bool) -> None:
        if not words or not all(isinstance(word, str) and word.strip() for word in words):
            raise ValueError(f"a vocabulary is a list of words, not {words!r}")
        self._words = list(words)

    @method(qi.Void, qi.Bool)
    def pause(self, paused: bool) -> None:
        self._paused = paused

    @method(qi.Void, qi.String)
    def setLanguage(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language {language!r} is not installed; languages: {', '.join(LANGUAGES)}")
        self._language = language

    @method(qi.String)
    def getLanguage(self) -> str:
        return self._language
