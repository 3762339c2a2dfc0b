"""A verification as words, as JSON and as a status: what is claimed of whom, and what is not."""

import json
import math

import pytest

from lineage_jax.evidence import CLAIMS, KIN, Finding, Verification
from lineage_jax.kinship import Evidence, Layer


def finding(candidate, relation, **others):
    """Returns a finding with evidence of one layer."""
    layer = Layer(name="fc1", paths=("fc1/kernel",), units=32, statistic=9.0, p=1e-19)
    standing = Evidence(kind="in place", layers=(layer,), statistic=9.0, p=1e-19, share=0.9, left_out={"fc2": "a head"})
    known = {"p": 3e-19, "p_holm": 6e-19, "cosine": 0.5, "compared": 1.0, "evidence": (standing,)}
    return Finding(candidate=candidate, relation=relation, **known | others)


def verification(*findings, **others):
    return Verification(child="c", findings={each.candidate: each for each in findings}, fpr=0.01, **others)


UNRELATED = finding("x", "unrelated", p=0.4, p_holm=0.8, cosine=0.01, limit=0.05)


def test_claims_of_kinship_are_claims():
    assert set(KIN) < CLAIMS.keys()
    assert set(CLAIMS) - set(KIN) == {"unrelated", "cannot be compared"}


@pytest.mark.parametrize("relation", KIN)
def test_a_kinship_is_said_first_and_is_status_0(relation):
    found = verification(UNRELATED, finding("p", relation))
    assert found.status == 0
    assert found.findings["p"].is_kin
    assert found.sentence.partition(":")[0].endswith("p; it is unrelated to x")


def test_status_3_says_that_nobody_given_is_related():
    assert verification(UNRELATED).status == 3
    assert verification(UNRELATED, skipped={"y": "no file"}).status == 4
    assert verification(UNRELATED, finding("y", "cannot be compared")).status == 4
    assert verification(finding("y", "cannot be compared"), finding("p", "related")).status == 0


def test_absence_is_said_down_to_a_cosine():
    assert verification(UNRELATED).sentence == (
        "c is unrelated to x: p = 0.8 after Holm, 0.01 asked for; relatives down to a centred kernel cosine of 0.05 "
        "would have been found with their units in their places."
    )


def test_a_bare_pair_says_that_direction_is_not_shown():
    assert verification(finding("p", "related")).sentence == (
        "c is related to p: centred kernel cosine 0.500, p = 6e-19 after Holm, at most 0.01 asked for; "
        "100% of its kernels were compared; which came first is not shown."
    )


def test_everything_is_held_by_json_and_what_is_no_number_is_null():
    found = verification(UNRELATED, finding("y", "cannot be compared", p=math.nan), skipped={"z": "no file"})
    said = json.loads(json.dumps(found.as_dict()))
    assert said == found.as_dict()
    assert said["findings"]["y"]["p"] is None
    assert said["findings"]["x"]["evidence"][0]["layers"][0]["statistic"] == 9.0
    assert "z could not be read: no file" in said["notes"]
    assert str(found).splitlines() == [found.sentence, *found.notes]
