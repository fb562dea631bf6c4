"""Random scenes: things and people around the robot, most of which no task is about."""

from __future__ import annotations

import math

from services.training.dataset.task import World

THINGS = {
    "red ball": "红球", "blue ball": "蓝球", "chair": "椅子", "table": "桌子", "door": "门", "window": "窗户", "box": "箱子",
    "cup": "杯子", "book": "书", "lamp": "台灯", "plant": "花盆", "sofa": "沙发", "bottle": "瓶子", "teddy bear": "泰迪熊",
    "screen": "屏幕", "poster": "海报", "yellow cube": "黄色方块", "green cube": "绿色方块", "bag": "书包", "dog": "狗",
    "cat": "猫", "robot arm": "机械臂", "whiteboard": "白板", "printer": "打印机", "trash can": "垃圾桶", "toy car": "玩具车",
    "shelf": "书架", "clock": "时钟", "flower": "花", "bed": "床",
}  # fmt: skip
PEOPLE = {
    "Anna": "小丽", "Tom": "小明", "Maria": "王老师", "visitor": "客人", "child": "小朋友", "teacher": "老师", "Ben": "小红",
    "Dr. Lee": "李医生", "grandma": "奶奶", "Lucy": "张伟",
}  # fmt: skip
_NEAREST_M, _FARTHEST_M = 0.7, 2.8
_APART_M = 0.7


def furnish(world: World) -> None:
    """Put some things and people into the world, and choose how the robot stands and is charged."""
    rng = world.random
    for _ in range(rng.choices([0, 1, 2, 3, 4], [35, 15, 20, 18, 12])[0]):
        _add(world, world.objects, THINGS)
    for _ in range(rng.choices([0, 1, 2], [70, 20, 10])[0]):
        _add(world, world.people, PEOPLE)
    world.posture = rng.choices(["Standing", "Sitting", "Crouching"], [85, 10, 5])[0]
    if rng.random() < 0.25:
        world.battery = rng.choice([12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 95, 100])


def _add(world: World, into: dict[str, list[float]], names: dict[str, str]) -> None:
    rng = world.random
    english = rng.choice(list(names))
    name = world.say(english, names[english])
    for _ in range(10):
        distance, bearing = rng.uniform(_NEAREST_M, _FARTHEST_M), rng.uniform(-2.4, 2.4)
        x, y = round(distance * math.cos(bearing), 1), round(distance * math.sin(bearing), 1)
        places = [*world.objects.values(), *world.people.values()]
        if all(math.dist((x, y), place[:2]) >= _APART_M for place in places):
            break
    else:
        return
    if name not in world.objects and name not in world.people:
        into[name] = [x, y, rng.choice([0.0, 0.0, 0.2, 0.4, 0.8])]
