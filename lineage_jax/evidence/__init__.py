"""The answer to "whose child is this?", and what speaks for it.

    answer = detect({"anna": "anna.pth", "bert": "bert.pth"}, "child.pth", probes="probes.npy")
    answer.prediction, answer.relation           # "bert", "parent"
    print(answer)                                # the verdict in a sentence, and what else should be known
    answer.weights, answer.scores                # xarray, over parent
    answer.as_dict()                             # what `lineage-jax detect --json` prints

The command `lineage-jax detect` prints the same answer. What may be claimed of a child and its candidates, and at which
error rate, says `verify`, and the command `lineage-jax verify`:

    verification = verify("child.pth", {"anna": "anna.pth", "bert": "bert.pth"}, fpr=0.01)
    verification.findings["bert"].relation       # one of CLAIMS
    print(verification)
"""

from lineage_jax.evidence._answer import Answer as Answer
from lineage_jax.evidence._claims import CLAIMS as CLAIMS
from lineage_jax.evidence._claims import KIN as KIN
from lineage_jax.evidence._claims import SAID as SAID
from lineage_jax.evidence._conclude import conclude as conclude
from lineage_jax.evidence._detect import detect as detect
from lineage_jax.evidence._finding import Finding as Finding
from lineage_jax.evidence._question import Candidates as Candidates
from lineage_jax.evidence._question import Given as Given
from lineage_jax.evidence._scores import DEFAULT_MEASURES as DEFAULT_MEASURES
from lineage_jax.evidence._scores import Scores as Scores
from lineage_jax.evidence._verdict import RELATIONS as RELATIONS
from lineage_jax.evidence._verdict import Measured as Measured
from lineage_jax.evidence._verdict import Verdict as Verdict
from lineage_jax.evidence._verification import Verification as Verification
from lineage_jax.evidence._verify import verify as verify
