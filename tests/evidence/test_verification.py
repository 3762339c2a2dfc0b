"""A verification as words, as JSON and as a status: what is claimed of whom, and what is not."""

import dataclasses
import json
import math

import pytest

from lineage_jax.evidence import CLAIMS, KIN, Finding, Verification
from lineage_jax.kinship import Evidence, Layer
from lineage_jax.lineage import Cue


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
    assert found.sentence.startswith("c ")
    assert ". It is unrelated to x: " in found.sentence


def test_status_3_says_that_nobody_given_is_related():
    assert verification(UNRELATED).status == 3
    assert verification(UNRELATED, skipped={"y": "no file"}).status == 4
    assert verification(UNRELATED, finding("y", "cannot be compared")).status == 4
    assert verification(finding("y", "cannot be compared"), finding("p", "related")).status == 0


def test_absence_is_said_down_to_a_cosine_and_to_that_of_the_least_known():
    assert verification(UNRELATED).sentence == (
        "c is unrelated to x: p = 0.8 where 0.01 was asked for; relatives down to a centred kernel cosine of 0.05 "
        "would have been found with units in their places, none with units renumbered."
    )
    others = finding("y", "unrelated", p_holm=0.5, limit=0.2, limit_matched=0.5)
    said = verification(finding("x", "unrelated", p_holm=0.8, limit=0.05, limit_matched=0.35), others).sentence
    assert said.startswith("c is unrelated to x, y: p = 0.5 where 0.01 was asked for; relatives down to")
    assert said.endswith(
        "a centred kernel cosine of 0.2 would have been found with units in their places, "
        "down to 0.5 with units renumbered."
    )


def test_what_cannot_be_compared_says_how_little_there_was():
    found = finding("x", "cannot be compared", compared=0.04, shared=2, tensors=9, evidence=())
    assert verification(found).sentence == (
        "c cannot be compared with x: 2 of its 9 tensors have a counterpart in x, 4% of its kernels, "
        "and 0% could be judged."
    )


def test_a_bare_pair_says_that_direction_is_not_shown():
    assert verification(finding("p", "related")).sentence == (
        "c is related to p: centred kernel cosine 0.500; p = 6e-19 where 0.01 was asked for; "
        "100% of its kernels were compared; which came first is not shown."
    )


def test_what_anybody_can_set_is_told_and_claims_no_direction():
    cue = Cue(
        name="batch counters", first="candidate", error=0.01, tried=300, forgeable=True, said="it has counted fewer"
    )
    assert verification(finding("p", "related", cues=(cue,))).sentence.endswith(
        "which came first is not shown by anything to rely on: it has counted fewer."
    )
    cue = dataclasses.replace(cue, name="outgroup", forgeable=False, said="the candidate lies between the child and x")
    said = verification(finding("p", "descends", cues=(cue,)), UNRELATED).sentence
    assert "100% of its kernels were compared; the candidate lies between the child and x. It is unrelated to x" in said


def test_everything_is_held_by_json_and_what_is_no_number_is_null():
    found = verification(UNRELATED, finding("y", "cannot be compared", p=math.nan), skipped={"z": "no file"})
    said = json.loads(json.dumps(found.as_dict()))
    assert said == found.as_dict()
    assert said["findings"]["y"]["p"] is None
    assert said["findings"]["x"]["evidence"][0]["layers"][0]["statistic"] == 9.0
    assert "z could not be read: no file" in said["notes"]
    assert str(found).splitlines() == [found.sentence, *found.notes]
