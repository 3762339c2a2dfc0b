"""The reader survives the fuzz, and the fuzz finds what it looks for in readers that are worse."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BEFORE = """
import json, pickle, time
from tests.converters import fuzz, handmade

def read(path, limit):
    {body}

legacy = [handmade.dumps(1) * 3 + handmade.dumps(call) for call in fuzz.hostile_calls()]
print(json.dumps(fuzz.examine(legacy[:3], read, seconds=0.5)))
"""


def run(*arguments):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT)
    return done.returncode, json.loads(done.stdout)


def test_mutated_and_malicious_files_end_in_a_network_or_one_clear_error():
    status, result = run("-m", "tests.converters.fuzz", "--count", "300", "--seed", "1")
    assert result["files"] == result["networks"] + result["refused"] == 300
    assert min(result["networks"], result["refused"]) > 30
    assert status == 0, result


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("breaches", "stream = path.open('rb'); [pickle.load(stream) for _ in range(4)]"),
        ("breaches", "open(path.with_name('evil'), 'w')"),
        ("touched", "fuzz.safetensors.numpy.save_file({}, path.with_name('evil'))"),  # written by Rust: no event
        ("other_errors", "raise ZeroDivisionError"),
        ("other_errors", "bytearray(1 << 40)"),
        ("unclear", "import converters; raise converters.UnreadableFile('two\\nlines')"),
        ("over_memory", "bytearray(1 << 23)"),
        ("too_slow", "time.sleep(0.6)"),
    ],
)
def test_a_reader_with_a_fault_is_noticed(fault, body):
    _, result = run("-c", BEFORE.format(body=body))
    assert result[fault] == 3, result
