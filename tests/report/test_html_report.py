"""The page of a verdict: whole, alone, escaped, with every number, and fit to be looked at."""

import datetime
import itertools
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy import special

from lineage_jax import evidence, kinship, lineage, report

VOID = {"meta", "br", "hr", "img", "link", "input"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


def layers(mean, count=19, seed=0):
    statistics = np.random.default_rng(seed).normal(size=count) + mean
    return tuple(
        kinship.Layer(
            name=f"layer{place // 7 + 1}/{place % 7}/conv{place % 2 + 1}/kernel",
            paths=(f"layer{place}/kernel",),
            units=16 << place // 7,
            statistic=float(z),
            p=float(max(special.ndtr(-z), 1e-300)),
        )
        for place, z in enumerate(statistics)
    )


def of_kind(kind, mean, count=19, seed=0):
    judged = layers(mean, count, seed)
    total = sum(layer.statistic for layer in judged) / max(1, count) ** 0.5
    return kinship.Evidence(
        kind=kind,
        layers=judged,
        statistic=total,
        p=float(max(special.ndtr(-total), 1e-300)),
        share=0.964,
        left_out={
            "linear/kernel": "the program keeps its outputs in their places",
            **{f"layer{place}/shortcut/kernel": "fewer than 16 units" for place in range(6)},
        },
    )


def finding(candidate, relation, mean, *kinds, **more):
    looked_at = tuple(of_kind(kind, mean, seed=place) for place, kind in enumerate(kinds or ("in place",)))
    p = min(1.0, 3 * min(each.p for each in looked_at))
    known = {"p": p, "p_holm": min(1.0, 3 * p), "probability": float(mean > 2), "cosine": 0.02 + mean / 20}
    known |= {"compared": 0.9713, "shared": 100, "tensors": 102, "identical": 3, "evidence": looked_at}
    return evidence.Finding(candidate=candidate, relation=relation, **known | more)


COUNTERS = lineage.Cue(
    name="counters",
    first="candidate",
    error=0.0099,
    tried=301,
    forgeable=True,
    said="the candidate has counted 12,345 batches, the child 23,456",
)
ZEROS = lineage.Cue(
    name="zeros", first=None, error=0.216, tried=20, forgeable=False, said="both keep the same 91 % of zeros"
)


def verification(*findings, child="suspect", **more):
    names = [child, *(each.candidate for each in findings)]
    facts = {
        name: {
            "path": f"/models/{name}.pth",
            "sha256": f"{place:064x}",
            "container": "zip",
            "architecture": "akamaster/resnet20",
        }
        for place, name in enumerate(names)
    }
    known = {"fpr": 0.01, "facts": facts, "versions": {"lineage_jax": "0.1.0", "jax": "0.10.2"}, "seed": 0}
    return evidence.Verification(child=child, findings={each.candidate: each for each in findings}, **known | more)


def of_a_child():
    return verification(
        finding("anna", "descends", 3.4, cues=(COUNTERS, ZEROS), notes=("its head has another shape",)),
        finding("bert", "unrelated", 0.1, "in place", "matched", limit=0.15, limit_matched=0.35),
        finding("carl", "unrelated", -0.1, "in place", "matched", limit=0.15),
        skipped={"dora": "expected a checkpoint, got a web page"},
    )


class Page(HTMLParser):
    """What a page holds, and whether every element that begins ends in its turn."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(path.read_text())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)

    @property
    def numbers(self):
        """Every number that is written somewhere, as a float."""
        plain = self.text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")).replace(",", "")
        plain = re.sub(r"×10(-\d+)", r"e\1", plain).replace("≤ 10-300", "1e-300")
        return np.array([float(found) for found in re.findall(r"-?\d+\.?\d*(?:e-\d+)?", plain)])


def written(given, tmp_path, name="report.html"):
    report.html_report(given, tmp_path / name)
    return Page(tmp_path / name)


def test_a_page_is_whole_and_needs_nothing_else(tmp_path):
    page = written(of_a_child(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "href", "srcset", "style", "action", "data"}
    assert not any(name.startswith("on") for name in names)
    assert not set(page.tags) & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    text = (tmp_path / "report.html").read_text()
    assert not re.search(r"url\(|@import|https?:", text)
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids)) > 0
    labels = [value.split() for name, value in page.attributes if name == "aria-labelledby"]
    assert sorted(itertools.chain(*labels)) == sorted(ids)
    assert page.tags.count("svg") == page.tags.count("desc") == len(labels)


def test_every_number_of_a_verification_is_there(tmp_path):
    given = of_a_child()
    page = written(given, tmp_path)
    first = given.findings["anna"]
    p, others = [], []
    for each in given.findings.values():
        p += [each.p, each.p_holm]
        others += [number for number in (each.limit, each.limit_matched) if number is not None]
        others += [each.probability, each.cosine, each.identical, each.tensors]
    for kind in first.evidence:
        p += [kind.p, *(layer.p for layer in kind.layers)]
        others += [kind.statistic, *(layer.statistic for layer in kind.layers), *(layer.units for layer in kind.layers)]
    others += [number for cue in first.cues for number in (100 * cue.error, cue.tried)]
    for number in p:  # written to two digits at least
        assert np.isclose(page.numbers, number, rtol=0.051, atol=0).any(), number
    for number in others:  # written to two digits after the point at least, or three in all
        assert np.isclose(page.numbers, number, rtol=0.0051, atol=0.0051).any(), number
    for facts in given.facts.values():
        assert all(str(fact) in page.text for fact in facts.values())
    for text in [*given.versions.values(), *first.notes, *given.skipped.values(), *first.evidence[0].left_out.values()]:
        assert text in page.text
    assert given.sentence in page.text
    assert str(datetime.datetime.now(datetime.UTC).year) in page.text


HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an attribute": "\"'><img src=x onerror=alert(1)>",
    "very long": "a" * 3000,
    "of many scripts": "网络-ñ-🧬",
    "turned round": "exe\u202egpj",
    "no text at all": "a\0b\ud800",
    "escaped before": "&lt;",
    "the end of a style": "</style>",
    "a comment": "<!--",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_that_strangers_chose_are_text(tmp_path, name):
    given = verification(
        finding(name, "descends", 3.0, cues=(COUNTERS,), notes=(name,)), child=name + "1", skipped={name + "2": name}
    )
    page = written(given, tmp_path)
    calm = written(
        verification(finding("a", "descends", 3.0, cues=(COUNTERS,), notes=("b",)), skipped={"c": "d"}), tmp_path
    )
    assert page.tags == calm.tags
    assert {attribute for attribute, _ in page.attributes} <= {attribute for attribute, _ in calm.attributes} | {
        "title"
    }
    text = (tmp_path / "report.html").read_bytes().decode()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\0]", text)
    if name.isprintable() and len(name) < 50:
        assert name in page.text


def test_two_hundred_candidates_have_rows_and_the_strongest_have_drawings(tmp_path):
    many = [
        finding(f"run-{n:03d}", "related" if n % 25 == 7 else "unrelated", 2.0 if n % 25 == 7 else 0.0)
        for n in range(200)
    ]
    page = written(verification(*many), tmp_path)
    assert all(f"run-{n:03d}" in page.text for n in range(200))
    assert page.tags.count("svg") == 2 * 6
    assert "2 more do not" in page.text
    assert (tmp_path / "report.html").stat().st_size < 600_000


@pytest.mark.parametrize("relation", sorted(evidence.CLAIMS))
def test_every_claim_says_what_it_does_not_claim(tmp_path, relation):
    page = written(verification(finding("anna", relation, 3.0)), tmp_path)
    assert "What this claims" in page.text
    assert "What it does not" in page.text
    assert "{" not in page.text


def test_a_copy_and_what_cannot_be_compared_need_no_evidence(tmp_path):
    copy = evidence.Finding(candidate="anna", relation="copy", p=0.0, p_holm=0.0, probability=1.0, cosine=1.0)
    nothing = evidence.Finding(candidate="bert", relation="cannot be compared")
    page = written(verification(copy, nothing), tmp_path)
    assert page.tags.count("svg") == 0
    assert "is a copy of" in page.text
    assert "–" in page.text


def test_a_claim_on_the_order_of_units_alone_says_so(tmp_path):
    said = "rests on the order of hidden units alone"
    assert said in written(verification(finding("anna", "related", 3.0)), tmp_path).text
    assert said not in written(verification(finding("anna", "related", 3.0, "in place", "matched")), tmp_path).text
    assert said not in written(verification(finding("anna", "unrelated", 0.0)), tmp_path).text


def test_a_kind_of_evidence_without_a_layer_says_so(tmp_path):
    empty = kinship.Evidence(
        kind="matched", layers=(), statistic=0.0, p=1.0, share=0.0, left_out={"fc/kernel": "fewer than 16 units"}
    )
    page = written(
        verification(finding("anna", "unrelated", 0.0, evidence=(empty,), p=np.nan, p_holm=np.nan)), tmp_path
    )
    assert "No layer could be judged" in page.text
    assert page.tags.count("svg") == 0


def test_the_command_makes_it_again(tmp_path):
    given = of_a_child()
    page = written(given, tmp_path)
    command = next(text for text in page.words if text.startswith("lineage-jax verify"))
    assert command.split()[2:6] == ["/models/suspect.pth", "--against", "/models/anna.pth", "/models/bert.pth"]
    in_memory = written(verification(finding("anna", "related", 3.0), facts={}), tmp_path)
    assert not any(text.startswith("lineage-jax verify") for text in in_memory.words)


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        report.html_report(of_a_child(), tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_smaller_p_values_lie_further_out(tmp_path):
    def places(mean):
        page = written(verification(finding("anna", "related", mean)), tmp_path)
        text = (tmp_path / "report.html").read_text()
        assert page.tags.count("circle") == 19
        return np.array([float(place) for place in re.findall(r'cy="([\d.]+)"', text)])

    judged = layers(30.0)
    assert np.array_equal(
        np.argsort(places(30.0), kind="stable"), np.argsort([layer.p for layer in judged], kind="stable")
    )


MEASURE = """<!DOCTYPE html><body><p id="found"></p><script>
const widths = [1200, 800, 400], found = [];
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.width = width + "px"; frame.style.height = "900px"; frame.src = "report.html";
  frame.onload = () => {
    const root = frame.contentDocument.documentElement;
    const texts = [...frame.contentDocument.querySelectorAll("svg text")].map(text => text.getBoundingClientRect());
    found.push({width, inside: root.scrollWidth <= root.clientWidth, tall: root.scrollHeight,
      drawn: texts.every(box => box.left >= 0 && box.right <= width && box.height > 8)});
    document.getElementById("found").textContent = JSON.stringify(found);
  };
  document.body.append(frame);
}
</script>"""


@in_a_browser
def test_a_browser_shows_it_on_a_desk_and_on_a_telephone_without_complaint(tmp_path):
    report.html_report(of_a_child(), tmp_path / "report.html")
    (tmp_path / "measure.html").write_text(MEASURE)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--enable-logging=stderr"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=4000", "--dump-dom"]
    done = subprocess.run(
        [CHROMIUM, *flags, (tmp_path / "measure.html").as_uri()], capture_output=True, text=True, check=True, timeout=60
    )
    assert "CONSOLE" not in done.stderr
    found = json.loads(re.search(r'<p id="found">(.*?)</p>', done.stdout)[1])
    assert sorted(each["width"] for each in found) == [400, 800, 1200]
    for each in found:
        assert each["inside"], "something is wider than the page"
        assert each["drawn"], "a word of a drawing is cut or too small"
        assert each["tall"] > 900
