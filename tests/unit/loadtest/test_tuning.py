"""The search over settings, on turns that never were, whose figures are known."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from synthetic import NoTarget, closed_loop, plan

from loadtest.comparison import run as running
from loadtest.comparison.measured import Measured
from loadtest.comparison.plan import Plan, Turn
from loadtest.comparison.targets import Target
from loadtest.tuning.__main__ import main
from loadtest.tuning.composed import read_env_file, with_entries
from loadtest.tuning.effects import Effect, Value, best
from loadtest.tuning.report import Findings, document, env_file, markdown, write_report
from loadtest.tuning.space import SPACES, Choice, Factor, together
from loadtest.tuning.study import ALL, NOW, Stopped, Study

ROOT = Path(__file__).resolve().parents[3]
#: Known to processes alone: an image has its weights from when it was built, and the rest is only there to be measured.
NOT_IN_COMPOSE = {"LLAMACPP_MERGED_WEIGHTS", "GOMP_SPINCOUNT", "LLAMACPP_LORA_PATH", "LLAMACPP_GRAMMAR"}
SLOW, FAST = 0.5, 0.25
FACTOR = Factor("slots", "generations at once", (Choice("4"), Choice("8", {"LLAMACPP_SLOTS": "8"})))
OTHER = Factor("threads", "threads", (Choice("all"), Choice("1", {"LLAMACPP_THREADS": "1"})), answers=True)


def kept(measured: Measured, folder: Path) -> Measured:
    """As a real turn leaves it."""
    lines = "".join(record.line() for record in measured.records)
    (folder / running.RECORDS / f"{measured.turn.name}.jsonl").write_text(lines, encoding="utf-8")
    return measured


@pytest.fixture
def ups() -> list[tuple[str, ...]]:
    """What was up, one after the other."""
    return []


Studying = Callable[..., Study]


@pytest.fixture
def studying(tmp_path: Path, ups: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> Studying:
    """A search in which an answer takes as long as the test says."""

    def made(
        e2e_s: Mapping[str, float], right: Mapping[str, float] | None = None, stop: BaseException | None = None
    ) -> Study:
        def measure(plan: Plan, target: object, turn: Turn, folder: Path) -> object:
            if stop is not None:
                raise stop
            return kept(closed_loop(turn, e2e_s[turn.backend], ttfa_s=e2e_s[turn.backend] / 2), folder)

        @contextlib.contextmanager
        def up(choices: Mapping[str, Choice]) -> Iterator[Target]:
            ups.append(tuple(choices))
            yield NoTarget()

        def told(settings: Mapping[str, str], folder: Path) -> Value:
            share = (right or {})[" ".join(settings)]
            return Value(share, share - 0.05, share + 0.05)

        monkeypatch.setattr(running, "_measure", measure)
        return Study(
            tmp_path, lambda names: plan(backends=tuple(names), door="durable"), up, told if right else None, print
        )

    return made


def test_an_effect_is_a_ratio_to_what_it_stands_beside(studying: Studying) -> None:
    found = studying({"4": SLOW, "8": FAST}).factor(FACTOR)
    assert (found.kept, found.now) == ("8", "4")
    ratios = {(effect.choice, effect.level): effect for effect in found.effects}
    for level in (1.0, 4.0):
        assert ratios["8", level].answered_ratio.value == pytest.approx(2.0, rel=0.1)
        assert ratios["8", level].ttfa_ratio.value == pytest.approx(0.5)
        assert ratios["4", level].answered_ratio.value == 1.0


def test_requests_are_matched_by_their_place_in_a_robot_s_sequence(studying: Studying) -> None:
    found = {
        effect.choice: effect for effect in studying({"4": SLOW, "8": FAST}).factor(FACTOR).effects if effect.level == 1
    }
    # Within ten seconds after two of warm-up: the slow one's 5th to 24th request, of which the fast one had the first
    # four while it warmed up.
    assert (found["4"].matched, found["8"].matched) == (2 * 20, 2 * 20)
    assert (found["8"].answered_ratio.low, found["8"].answered_ratio.high) == (2.0, 2.0)


def test_of_few_requests_nothing_is_certain(studying: Studying) -> None:
    step = studying({"4": 3 * SLOW, "8": 4.0}).factor(Factor("slots", "", (FACTOR.choices[1], FACTOR.choices[0])))
    [one] = [effect for effect in step.effects if (effect.level, effect.choice) == (1, "4")]
    assert 0 < one.matched < 5
    assert one.answered_ratio == Value(pytest.approx(4.0 / (3 * SLOW)), None, None)  # type: ignore[arg-type]


def test_answers_that_failed_the_checks_were_written_all_the_same() -> None:
    turn = Turn(0, 1.0, "llamacpp")
    one, other = closed_loop(turn, SLOW), closed_loop(turn, SLOW, outcome="invalid")
    slices = [measured.slices(plan().slos) for measured in (one, other)]
    assert [list(each["answered"]) for each in slices] == [list(slices[0]["requests"])] * 2
    assert not slices[1]["requests"].any()


def test_what_is_done_is_not_done_again(studying: Studying, ups: list[tuple[str, ...]]) -> None:
    first = studying({"4": SLOW, "8": FAST}).factor(FACTOR)
    assert studying({}, stop=AssertionError("measured again")).factor(FACTOR) == first
    assert ups == [("4", "8")]
    changed = Factor("slots", "generations at once", (*FACTOR.choices, Choice("2", {"LLAMACPP_SLOTS": "2"})))
    studying({"4": SLOW, "8": FAST, "2": SLOW}).factor(changed)
    assert ups == [("4", "8"), ("4", "8", "2")]


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), 130), (SystemExit(143), 143), (OSError(28, "No space left on device", "/records"), 1)],
)
def test_an_interrupted_step_is_begun_anew(
    error: BaseException, status: int, studying: Studying, ups: list[tuple[str, ...]]
) -> None:
    with pytest.raises(Stopped) as stopped:
        studying({}, stop=error).factor(FACTOR)
    assert stopped.value.status == status
    assert studying({"4": SLOW, "8": FAST}).factor(FACTOR).kept == "8"
    assert len(ups) == 2


@pytest.mark.parametrize(
    ("right", "kept", "remark"),
    [
        ({"": 0.50, "LLAMACPP_THREADS": 0.49}, "1", ""),
        ({"": 0.50, "LLAMACPP_THREADS": 0.40}, "all", "1 is faster, but fewer of its answers are right"),
        (None, "all", "1 is faster, but nobody has asked how many of its answers are right"),
    ],
)
def test_what_is_faster_must_not_be_wrong_more_often(
    right: Mapping[str, float] | None, kept: str, remark: str, studying: Studying
) -> None:
    step = studying({"all": SLOW, "1": FAST}, right).factor(OTHER)
    assert step.kept == kept
    assert (step.remark, step.troubles) == (remark, [])
    assert set(step.right) == ({"all", "1"} if right else set())


def test_what_depends_on_the_traffic_is_told_and_not_kept(studying: Studying) -> None:
    factor = Factor("equal", "equal requests", (Choice("4"), Choice("8", {"ANSWERS_KEPT": "9"})), told_only=True)
    step = studying({"4": SLOW, "8": FAST}).factor(factor)
    assert (step.kept, step.remark) == ("4", "")
    assert {effect.choice for effect in step.effects} == {"4", "8"}


def test_all_that_helped_is_measured_together(studying: Studying, ups: list[tuple[str, ...]]) -> None:
    right = {"": 0.5, "LLAMACPP_THREADS": 0.5}
    study = studying({"4": SLOW, "8": FAST, "all": SLOW, "1": FAST, NOW: SLOW, ALL: FAST / 2}, right)
    steps = [study.factor(factor) for factor in (FACTOR, OTHER)]
    winner, whole = study.all((FACTOR, OTHER), steps)
    assert winner.settings == {"LLAMACPP_SLOTS": "8", "LLAMACPP_THREADS": "1"}
    assert whole is not None
    assert whole.kept == ALL
    assert ups[-1] == (NOW, ALL)


def test_nothing_that_helped_changes_nothing(studying: Studying, ups: list[tuple[str, ...]]) -> None:
    study = studying({"4": FAST, "8": SLOW})
    winner, whole = study.all((FACTOR,), [study.factor(FACTOR)])
    assert (winner.settings, whole, len(ups)) == ({}, None, 1)


def effect(choice: str, level: float, gain: Sequence[float | None], wait: Sequence[float | None]) -> Effect:
    empty = Value(None, None, None)
    return Effect(choice, "now", level, empty, empty, Value(*gain), Value(*wait), 9, {})


@pytest.mark.parametrize(
    ("gain", "wait", "kept"),
    [
        ((1.5, 1.2, 1.8), (1.0, 0.9, 1.1), "new"),
        ((1.5, 0.9, 2.0), (1.0, 0.9, 1.1), "now"),  # not for certain
        ((1.02, 1.01, 1.03), (1.0, 0.9, 1.1), "now"),  # not worth a setting
        ((1.5, 1.2, 1.8), (1.5, 1.2, 1.8), "now"),  # a robot that is alone waits too long
        ((1.5, 1.2, 1.8), (1.5, 0.8, 2.0), "new"),  # of which nobody can be certain
        ((None, None, None), (None, None, None), "now"),
    ],
)
def test_what_is_kept(gain: Sequence[float | None], wait: Sequence[float | None], kept: str) -> None:
    same = (1.0, 1.0, 1.0)
    found = [effect("now", level, same, same) for level in (1.0, 4.0)]
    found += [effect("new", 1.0, same, wait), effect("new", 4.0, gain, same)]
    assert best(found, "now") == kept
    assert best([], "now") == "now"


def test_the_report_says_what_there_is(studying: Studying, tmp_path: Path) -> None:
    step = studying({"4": SLOW, "8": FAST}).factor(FACTOR)
    found = Findings(
        "llamacpp", [step], Choice(ALL, {"LLAMACPP_SLOTS": "8"}), {"memory": "24 GiB"}, "it was interrupted"
    )
    out = tmp_path / "report"
    out.mkdir()
    text = write_report(out, found)
    assert "**Partial: it was interrupted**" in text
    assert "Settings that won: LLAMACPP_SLOTS=8." in text
    assert (out / "winner.env").read_text("utf-8").splitlines()[-1] == "LLAMACPP_SLOTS=8"
    [kept] = json.loads((out / "tune.json").read_text("utf-8"))["steps"]
    assert kept == json.loads(json.dumps(step.document()))
    drawn = ElementTree.fromstring((out / "effects.svg").read_text("utf-8"))
    assert [one.text for one in drawn.iter() if one.text and "slots: 8" in one.text]


def test_nothing_to_report_is_reported_too(tmp_path: Path) -> None:
    found = Findings("tgi", [], Choice(NOW), {})
    assert "what there is stays as it is" in markdown(found)
    assert env_file(found).endswith("# Nothing: what there is stays as it is.\n")
    assert document(found)["complete"]


def test_entries_of_model_yaml_that_won_are_told() -> None:
    found = Findings(
        "tensorrtllm", [], together([Choice("a", model_yaml={"x.y": 1}), Choice("b", {"A": "2"})], ALL), {}
    )
    assert env_file(found).splitlines()[2:] == ["A=2", "# in the file that TRITON_CONFIG names: x.y: 1"]


@pytest.mark.parametrize("engine", SPACES)
def test_every_setting_of_a_space_is_one_of_the_deployment(engine: str) -> None:
    space = SPACES[engine]
    offered = "".join((ROOT / name).read_text("utf-8") for name in ("compose.yaml", "compose.engines.yaml"))
    names = [factor.name for factor in space.factors]
    assert len(set(names)) == len(names)
    assert not space.env_file or (ROOT / space.env_file).is_file()
    for factor in space.factors:
        assert (factor.now.settings, factor.now.model_yaml) == ({}, {}), "the first is what there is"
        assert len({choice.name for choice in factor.choices}) == len(factor.choices) > 1
        for choice in factor.choices[1:]:
            assert choice.settings or choice.model_yaml, "the others change something"
            for variable in choice.settings.keys() - (NOT_IN_COMPOSE if not space.env_file else set()):
                assert f"{variable}:" in offered or f"${{{variable}" in offered, variable


def test_options_of_several_factors_are_all_given() -> None:
    options = [Choice(name, {"VLLM_SERVER_OPTIONS": name}) for name in ("--one", "--two")]
    assert together([*options, Choice("x", {"VLLM_MAX_CONCURRENCY": "9"})], ALL).settings == {
        "VLLM_SERVER_OPTIONS": "--one --two", "VLLM_MAX_CONCURRENCY": "9",
    }  # fmt: skip


def test_entries_are_put_into_a_copy() -> None:
    before = {"a": {"b": 1, "c": 2}, "d": 3}
    assert with_entries(before, {"a.b": 9, "e.f": 4}) == {"a": {"b": 9, "c": 2}, "d": 3, "e": {"f": 4}}
    assert before == {"a": {"b": 1, "c": 2}, "d": 3}


def test_env_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("# A=1\nB = 2\n\nC=x=y\nnothing\n", encoding="utf-8")
    assert read_env_file(tmp_path / "a.env") == {"B": "2", "C": "x=y"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--factors", "slots,nonsense"], "llamacpp has no factor 'nonsense'; it has: prompt, adapter"),
        (["--concurrency", "0"], "'0' is no count"),
        (["--items", "some"], "'some' is no count"),
        (["--engine", "gpt"], "invalid choice: 'gpt'"),
    ],
)
def test_bad_options_are_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        main(arguments)
    assert status.value.code == 2
    assert told in capsys.readouterr().err


def test_without_docker_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ["--engine", "tensorrtllm", "--factors", "overlap", "--out", str(tmp_path / "out")]
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert "there is no docker here: install Docker with its Compose plugin" in told.err
    assert "**Partial: " in told.out


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").touch()
    assert main(["--out", str(tmp_path / "out")]) == 1
    assert f"{tmp_path}/out: File exists" in capsys.readouterr().err
