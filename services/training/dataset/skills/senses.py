"""What the robot senses: battery, sonars, touch, posture; and what it senses and does by itself."""

from __future__ import annotations

from services.training.dataset.task import Step, Task, World, skill

#: A touch sensor by its key in the memory, and how people call where it is.
TOUCH = {
    "FrontTactilTouched": (
        ("the front of your head", "your forehead", "your head"),
        ("你的额头", "你的头", "你头的前面"),
    ),
    "MiddleTactilTouched": (("the top of your head", "the middle of your head"), ("你的头顶", "你头的中间")),
    "RearTactilTouched": (("the back of your head",), ("你的后脑勺", "你头的后面")),
    "LeftBumperPressed": (("your left foot", "your left bumper", "the left bumper"), ("你的左脚", "左边的碰撞开关")),
    "RightBumperPressed": (
        ("your right foot", "your right bumper", "the right bumper"),
        ("你的右脚", "右边的碰撞开关"),
    ),
    "HandLeftBackTouched": (("your left hand", "the back of your left hand"), ("你的左手", "你的左手背")),
    "HandRightBackTouched": (("your right hand", "the back of your right hand"), ("你的右手", "你的右手背")),
}
#: What it does by itself, by ability, and how that is called.
_ABILITIES = {
    "AutonomousBlinking": (("blinking", "your automatic blinking", "autonomous blinking"), ("自动眨眼", "眨眼")),
    "BackgroundMovement": (
        ("your background movements", "the small background movements", "moving by yourself"),
        ("后台小动作", "自己的小动作"),
    ),
    "ListeningMovement": (("your listening movements", "moving while you listen"), ("听的时候的动作", "倾听动作")),
    "SpeakingMovement": (("your speaking movements", "moving while you talk"), ("说话时的动作", "讲话时的手势")),
}
_CHAINS = {
    "Body": (("your body", "your whole body"), ("全身", "身体")),
    "Arms": (("your arms",), ("手臂", "胳膊")),
    "Head": (("your head",), ("头部",)),
    "Legs": (("your legs",), ("腿部",)),
}


@skill("senses", weight=2.5)
def battery_level(world: World) -> Task:
    """Say how much charge is left."""
    told = world.say(
        '"I have " + str(ALBattery.getBatteryCharge()) + " percent left."',
        '"我还有百分之" + str(ALBattery.getBatteryCharge()) + "的电。"',
    )
    charge = 100 if world.battery is None else world.battery
    shown = {"says": {"any": [f"{charge}"]}} if world.language == "en" else {"says": {"any": [f"百分之{charge}"]}}
    return Task(
        [Step("say the battery charge", [f"ALTextToSpeech.say({told})"])],
        must=[{"reads": "battery"}, shown],
        tags=["senses", "battery"],
    )


@skill("senses", weight=1.0)
def battery_enough(world: World) -> Task:
    """Say whether the charge is more than some."""
    limit = world.random.choice([20, 30, 40, 50])
    yes = world.say("Yes, my battery is fine.", "够，电量充足。")
    no = world.say("No, I need to charge.", "不够，我需要充电。")
    lines = [
        f"if ALBattery.getBatteryCharge() > {limit}:", f'    ALTextToSpeech.say("{yes}")',
        "else:", f'    ALTextToSpeech.say("{no}")',
    ]  # fmt: skip
    charge = 100 if world.battery is None else world.battery
    return Task(
        [Step("say whether the battery is enough", lines)],
        {"n": str(limit)},
        must=[{"reads": "battery"}, {"says": {"all": [yes if charge > limit else no]}}],
        tags=["senses", "battery"],
    )


@skill("senses", weight=1.5)
def obstacle(world: World) -> Task:
    """Say whether something is in front."""
    yes = world.say("Yes, something is in front of me.", "有，我前面有东西。")
    no = world.say("No, nothing is in front of me.", "没有，我前面没东西。")
    lines = [
        'ALSonar.subscribe("Sonar")', "if min(ALSonar.getFilteredValues()) < 0.5:", f'    ALTextToSpeech.say("{yes}")',
        "else:", f'    ALTextToSpeech.say("{no}")',
    ]  # fmt: skip
    return Task(
        [Step("say whether something is ahead", lines)],
        must=[{"reads": "sonar"}, {"says": {"any": [yes, no]}}],
        tags=["senses", "sonar"],
    )


@skill("senses", weight=1.0)
def sonar_distance(world: World) -> Task:
    """Say how far away the nearest obstacle is."""
    told = world.say(
        '"The nearest obstacle is " + str(distance) + " metres away."', '"最近的障碍物离我" + str(distance) + "米。"'
    )
    lines = [
        'ALSonar.subscribe("Sonar")',
        "distance = round(min(ALSonar.getFilteredValues()), 1)",
        f"ALTextToSpeech.say({told})",
    ]
    return Task(
        [Step("say the sonar distance", lines)],
        must=[{"reads": "sonar"}, {"says": {"any": [world.say("metres away", "障碍物离我")]}}],
        tags=["senses", "sonar"],
    )


@skill("senses", weight=1.5)
def touched(world: World) -> Task:
    """Say whether it is being touched somewhere."""
    key = world.random.choice(list(TOUCH))
    yes = world.say("Yes, I feel it.", "是的，我感觉到了。")
    no = world.say("No, I feel nothing.", "没有，我没感觉到。")
    lines = [
        f'if ALMemory.getData("{key}") > 0.5:', f'    ALTextToSpeech.say("{yes}")',
        "else:", f'    ALTextToSpeech.say("{no}")',
    ]  # fmt: skip
    return Task(
        [Step("say whether I am touched", lines)],
        {"place": world.one_of(*TOUCH[key])},
        must=[{"reads": "touch"}, {"says": {"any": [yes, no]}}],
        tags=["senses", "touch"],
    )


@skill("senses", weight=1.2)
def posture_now(world: World) -> Task | None:
    """Say whether it sits or stands."""
    if world.posture == "Crouching":
        return None
    sits, stands = world.say("I am sitting.", "我坐着呢。"), world.say("I am standing.", "我站着呢。")
    lines = [
        'if ALRobotPosture.getPostureFamily() == "Sitting":', f'    ALTextToSpeech.say("{sits}")',
        "else:", f'    ALTextToSpeech.say("{stands}")',
    ]  # fmt: skip
    return Task(
        [Step("say whether I sit or stand", lines)],
        must=[{"reads": "posture"}, {"says": {"any": [sits if world.posture == "Sitting" else stands]}}],
        tags=["senses", "posture"],
    )


@skill("senses", weight=1.2)
def awareness(world: World) -> Task:
    """Switch turning to people on or off."""
    return _switch(world, "awareness", "ALBasicAwareness.setEnabled", "")


@skill("senses", weight=1.2)
def ability(world: World) -> Task:
    """Switch one of its small movements on or off."""
    name = world.random.choice(list(_ABILITIES))
    what = world.one_of(*_ABILITIES[name])
    return _switch(world, "ability", "ALAutonomousLife.setAutonomousAbilityEnabled", f'"{name}", ', what)


@skill("senses", weight=1.0, needs="Standing")
def breathing(world: World) -> Task:
    """Switch the breathing animation of a chain on or off."""
    chain = world.random.choices(list(_CHAINS), [5, 2, 1, 1])[0]
    return _switch(world, "breathing", "ALMotion.setBreathEnabled", f'"{chain}", ', world.one_of(*_CHAINS[chain]))


@skill("senses", weight=1.2)
def face_detection(world: World) -> Task:
    """Start or stop looking for faces."""
    on = world.random.random() < 0.6
    method = "subscribe" if on else "unsubscribe"
    return Task(
        [Step(f"face detection {'on' if on else 'off'}", [f'ALFaceDetection.{method}("Faces")'])],
        must=[{"calls": {"method": f"ALFaceDetection.{method}", "times": [1, None]}}],
        variant="on" if on else "off",
        tags=["senses", "faces"],
    )


def _switch(world: World, goal: str, method: str, argument: str, what: str = "") -> Task:
    on = world.random.random() < 0.5
    return Task(
        [Step(f"{goal} {'on' if on else 'off'}", [f"{method}({argument}{on})"])],
        {"what": what},
        must=[{"calls": {"method": method, "times": [1, None]}}],
        variant="on" if on else "off",
        tags=["senses", "autonomy"],
    )
