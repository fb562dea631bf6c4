"""A model with an adapter in its weights, held to GGUF's own library and to arithmetic; small models, real files."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from gguf.quants import dequantize, quantize

from services.engines.llamacpp import merge as merging
from services.engines.llamacpp.adapter import Adapter, AdapterProblem, to_gguf
from services.engines.llamacpp.merge import merge
from services.engines.llamacpp.merged import FolderProblem, main, merged_model
from services.engines.llamacpp.settings import USUAL_WEIGHTS, Weights

OUT, IN, RANK = 48, 64, 4
LAYER = "blk.0.attn_q.weight"
Matrix = np.ndarray[Any, Any]


def matrix(seed: int, *shape: int) -> Matrix:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def model(path: Path, seed: int = 1, form: GGMLQuantizationType = GGMLQuantizationType.Q4_1) -> Path:
    writer = GGUFWriter(path, "llama")
    writer.add_file_type(3)
    writer.add_string("general.name", "Küçük")
    writer.add_array("tokenizer.ggml.tokens", ["a", "Ġb", "é"])
    writer.add_array("tokenizer.ggml.token_type", [1, 3, 1])
    writer.add_bool("tokenizer.ggml.add_bos_token", False)
    writer.add_float32("llama.rope.freq_base", 1e5)
    writer.add_tensor("blk.0.attn_norm.weight", matrix(seed + 7, IN))
    for name, more in ((LAYER, 0), ("token_embd.weight", 1)):
        writer.add_tensor(name, quantize(matrix(seed + more, OUT, IN), form), raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def adapter(seed: int = 5, name: str = LAYER) -> Adapter:
    a, b = matrix(seed, RANK, IN), matrix(seed + 1, OUT, RANK)
    return Adapter(2.0 * RANK, {name: (a.astype(np.float16), b.astype(np.float16))})


def written(path: Path, seed: int = 5) -> Path:
    to_gguf(adapter(seed), path)
    return path


#: Of each form: its number as the type of a file, and how far a weight may be off, as a share of the largest of its
#: block: half a step, of which the length is told in 16 bits, 11 of them for its digits.
WEIGHTS: dict[Weights, tuple[int, float]] = {
    "q4_0": (2, 1 / 14 + 1 / 2048), "q8_0": (7, 1 / 254 + 1 / 2048), "f16": (1, 1 / 2048),
}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "weights"),
    [*((form, "q8_0") for form in ("Q4_1", "Q8_0", "F16", "F32", "Q5_0", "BF16")), ("Q4_1", "q4_0"), ("Q4_1", "f16")],
)
def test_the_weights_have_what_the_adapter_adds_and_all_else_is_kept(
    form: str, weights: Weights, tmp_path: Path
) -> None:
    file_type, off = WEIGHTS[weights]
    base = model(tmp_path / "base.gguf", form=GGMLQuantizationType[form])
    merge(base, adapter(), tmp_path / "merged.gguf", weights)
    before, after = (GGUFReader(path) for path in (base, tmp_path / "merged.gguf"))
    fields = [{name: field.contents() for name, field in reader.fields.items()} for reader in (before, after)]
    assert fields[0].pop("general.file_type") == 3
    assert fields[1].pop("general.file_type") == file_type
    assert fields[0] == fields[1]
    assert all(before.fields[name].types == field.types for name, field in after.fields.items())
    old, new = ({tensor.name: tensor for tensor in reader.tensors} for reader in (before, after))
    assert [*old] == [*new]
    for name in old.keys() - {LAYER}:
        assert old[name].tensor_type == new[name].tensor_type
        assert np.array_equal(old[name].data, new[name].data)
    a, b = (side.astype(np.float64) for side in adapter().layers[LAYER])
    wanted = dequantize(old[LAYER].data, old[LAYER].tensor_type) + 2.0 * b @ a
    assert new[LAYER].tensor_type == GGMLQuantizationType[weights.upper()]
    assert [*new[LAYER].shape] == [IN, OUT]
    got = dequantize(new[LAYER].data, new[LAYER].tensor_type)
    assert np.abs(got - wanted).max() < np.abs(wanted).max() * off


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ({"blk.9.attn_q.weight": (RANK, IN, OUT, RANK)}, "this one has no blk.9.attn_q.weight"),
        ({LAYER: (RANK, IN + 32, OUT, RANK)}, r"it has \(48, 4\) times \(4, 96\) for .* which is \(48, 64\)"),
        ({LAYER: (RANK, IN, OUT, RANK + 1)}, "the adapter is for another model"),
    ],
)
def test_an_adapter_of_another_model_is_told(
    layers: dict[str, tuple[int, int, int, int]], told: str, tmp_path: Path
) -> None:
    other = Adapter(1.0, {name: (np.zeros(shape[:2]), np.zeros(shape[2:])) for name, shape in layers.items()})
    with pytest.raises(AdapterProblem, match=told):
        merge(model(tmp_path / "base.gguf"), other, tmp_path / "merged.gguf", USUAL_WEIGHTS)


def test_a_model_of_another_architecture_is_told(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "base.gguf", "qwen2")
    writer.add_tensor(LAYER, matrix(1, OUT, IN))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(AdapterProblem, match=r"of the architecture llama; .*base.gguf is qwen2"):
        merge(tmp_path / "base.gguf", adapter(), tmp_path / "merged.gguf", USUAL_WEIGHTS)


def test_it_is_made_once_and_anew_for_another_adapter_or_model(tmp_path: Path) -> None:
    base, other_base = model(tmp_path / "base.gguf"), model(tmp_path / "other.gguf", seed=3)
    lora, other_lora = written(tmp_path / "a.gguf"), written(tmp_path / "b.gguf", seed=9)
    folder = tmp_path / "new" / "kept"
    seen = []
    for pair in ((base, lora), (base, lora), (base, other_lora), (other_base, other_lora), (base, lora)):
        with merged_model(*pair, folder) as file:
            seen.append((file, file.read_bytes()))
            assert [*folder.iterdir()] == [file]
            made = file.stat().st_mtime_ns
        with merged_model(*pair, folder) as again:
            assert again == file
            assert again.stat().st_mtime_ns == made
    assert seen[0] == seen[1] == seen[4]
    assert len({name for name, _ in seen}) == len({content for _, content in seen}) == 3


def test_what_was_left_half_made_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "merged-1234.part").write_bytes(b"GGUF")
    other = model(tmp_path / "base.gguf")
    with merged_model(other, written(tmp_path / "a.gguf"), tmp_path) as file:
        assert {*tmp_path.iterdir()} == {file, other, tmp_path / "a.gguf"}


def test_starts_at_once_make_it_once(tmp_path: Path) -> None:
    """In processes of their own, as engines are; each waits until all have begun."""
    base, lora, folder = model(tmp_path / "base.gguf"), written(tmp_path / "a.gguf"), tmp_path / "kept"
    code = f"""
import sys, services.engines.llamacpp.merge as merging
from pathlib import Path
from services.engines.llamacpp.merged import merged_model
real, made = merging.merge, []
merging.merge = lambda *arguments: (made.append(1), real(*arguments))
print("ready", flush=True)
sys.stdin.readline()
with merged_model(*map(Path, {[str(base), str(lora), str(folder)]!r})) as file:
    print(len(made), file.stat().st_size)
"""
    command = [sys.executable, "-c", code]
    starts = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for start in starts:
        assert start.stdout is not None
        assert start.stdout.readline() == "ready\n"
    for start in starts:
        assert start.stdin is not None
        start.stdin.write("\n")
        start.stdin.flush()
    told = [start.communicate(timeout=60)[0].split() for start in starts]
    assert sorted(made for made, _ in told) == ["0", "0", "1"]
    assert len({size for _, size in told}) == 1


def test_nobody_removes_it_while_it_is_read(tmp_path: Path) -> None:
    base, lora, other = (
        model(tmp_path / "base.gguf"),
        written(tmp_path / "a.gguf"),
        written(tmp_path / "b.gguf", seed=9),
    )
    with merged_model(base, lora, tmp_path / "kept"):
        pass

    def make_another() -> None:
        with merged_model(base, other, tmp_path / "kept"):
            pass

    with merged_model(base, lora, tmp_path / "kept") as file:
        another = threading.Thread(target=make_another)
        another.start()
        another.join(0.5)
        assert another.is_alive()
        assert file.exists()
    another.join(30)
    assert not file.exists()


def test_a_start_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.engines.llamacpp.merged._LOCK_WAIT_S", 0.2)
    base = model(tmp_path / "base.gguf")
    with (
        merged_model(base, written(tmp_path / "a.gguf"), tmp_path / "kept"),
        pytest.raises(FolderProblem, match=r"another engine has held .*/kept for 0 s: end it"),
        merged_model(base, written(tmp_path / "b.gguf", seed=9), tmp_path / "kept"),
    ):
        pass


def test_a_folder_that_cannot_be_written_serves_what_is_in_it(tmp_path: Path) -> None:
    """Held by a file system that is read-only, as in a container, where root may do no more than others."""
    base, lora, other = (
        model(tmp_path / "base.gguf"),
        written(tmp_path / "a.gguf"),
        written(tmp_path / "b.gguf", seed=9),
    )
    folder = tmp_path / "kept"
    assert main([str(lora), str(folder), str(base)]) == 0
    script = 'mount --bind -o ro "$1" "$1" 2>/dev/null || exit 77; shift; exec "$@"'
    module = [sys.executable, "-m", "services.engines.llamacpp.merged"]
    results = []
    for one in (lora, other):
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(folder), *module]
        done = subprocess.run([*command, str(one), str(folder), str(base)], capture_output=True, text=True, timeout=60)
        if done.returncode == 77 or "unshare" in done.stderr:
            pytest.skip("no file system can be mounted here")
        results.append((done.returncode, done.stderr))
    assert results[0] == (0, "")
    assert results[1][0] == 1
    assert "cannot take the model with the adapter in its weights (Read-only file system)" in results[1][1]


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    base, lora, folder = model(tmp_path / "base.gguf"), written(tmp_path / "a.gguf"), tmp_path / "kept"
    folder.mkdir()
    script = 'mount -t tmpfs -o size=4k none "$1" 2>/dev/null || exit 77; shift; "$@"; s=$?; ls "$5"; exit $s'
    module = [sys.executable, "-m", "services.engines.llamacpp.merged"]
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(folder), *module]
    done = subprocess.run(
        [*command, str(lora), str(folder), str(base)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert done.returncode == 1
    sentence = f"{folder} cannot take the model with the adapter in its weights (the disk is full): free 250 MB there."
    assert done.stderr == f"merged: {sentence}\n"
    assert done.stdout == "", "something is left in the folder"


def test_other_faults_of_the_folder_are_told_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, lora = model(tmp_path / "base.gguf"), written(tmp_path / "a.gguf")
    with pytest.raises(FolderProblem, match="Not a directory"), merged_model(base, lora, base / "kept"):
        pass

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(merging, "merge", refused)
    with pytest.raises(FolderProblem, match=r"\(Permission denied\): let it be written"):
        merged_model(base, lora, tmp_path / "kept").__enter__()


def test_the_command_tells_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main([str(tmp_path), str(tmp_path / "kept"), str(model(tmp_path / "base.gguf"))]) == 1
    assert "merged: " in (told := capsys.readouterr().err)
    assert "holds no adapter of scripts/finetune" in told.splitlines()[-1]
