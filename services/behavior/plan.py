"""The comments of a program that mean something: the steps of its plan, and a refusal.

They are read as models write them, in English and in Chinese, with marks of either width: ``# Step 1: greet | target:
visitors`` and ``# 步骤 1：打招呼｜对象：访客``, ``# Refuse: it would hurt`` and ``# 拒绝：会伤到人``.
"""

from __future__ import annotations

import re

from services.behavior.schema import PlanStep

_STEP = re.compile(
    r"#\s*(?:step\s+|步骤\s*|第\s*)(\d{1,3})(?:\s*步)?\s*[:：.．、-]\s*([^|｜\s][^|｜]*)([|｜].*)?", re.IGNORECASE
)
_REFUSE = re.compile(r"#+\s*(?:(?:i\s+)?refuse[ds]?|refusal|我?拒绝)\s*[:：]\s*(\S.*)", re.IGNORECASE)
_FIELDS = {
    "target": "target",
    "对象": "target",
    "目标": "target",
    "prefer": "prefer",
    "偏好": "prefer",
    "优先": "prefer",
    "avoid": "avoid",
    "避免": "avoid",
    "避开": "avoid",
}


def read_step(line: str) -> PlanStep | None:
    """The step that a line begins, or None when it is no comment of a step. Fields that are not known are left out."""
    found = _STEP.fullmatch(line.strip())
    if found is None:
        return None
    fields: dict[str, str] = {}
    for part in re.split(r"[|｜]", found[3] or ""):
        name, *value = re.split(r"[:：]", part, maxsplit=1)
        field = _FIELDS.get(name.strip().lower())
        if field is not None and value and value[0].strip():
            fields[field] = value[0].strip()
    return PlanStep(step=int(found[1]), goal=found[2].strip(), **fields)


def read_refusal(line: str) -> str | None:
    """The reason of the refusal that a line gives, or None when it gives none."""
    found = _REFUSE.fullmatch(line.strip())
    return None if found is None else found[1].strip()
