"""What the networks of one file are to each other, as their names tell, and which of them is usually meant.

| names | taken | why |
|---|---|---|
| `ema`, `avg`, `swa`, `shadow` beside others | the average | it is what authors evaluate and release |
| `teacher`, `student` of one structure | the teacher | an average of the student: DINO and mean teachers release it |
| `teacher`, `student` of two structures | the student | it is what a distillation makes |
| `encoder_q` / `encoder_k`, `online` / `target`, `momentum_*` | the first of each | it is trained, the other follows |
| `g`, `generator`, `actor` / `d`, `discriminator`, `critic` | the first of each | the other only judges it |

Roles add up (`g_ema` comes before `g`). Where no name tells a role, the first of the file is taken.
"""

import re
from collections.abc import Sequence

AVERAGED = frozenset({"ema", "avg", "average", "averaged", "swa", "shadow", "polyak"})
BEHIND = frozenset({"target", "targ", "tgt", "k", "key", "momentum", "slow"})
AHEAD = frozenset({"online", "q", "query"})
MADE = frozenset({"g", "gen", "generator", "actor"})
JUDGING = frozenset({"d", "dis", "disc", "discriminator", "critic"})
TEACHER = frozenset({"teacher"})
STUDENT = frozenset({"student"})
ROLES = AVERAGED | BEHIND | AHEAD | MADE | JUDGING | TEACHER | STUDENT
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
NO_NETWORK = frozenset(
    {
        *("loss", "losses", "criterion", "metric", "metrics", "optim", "optimizer", "optimizers", "optimiser"),
        *("scheduler", "schedulers", "sched", "scaler", "rng", "random", "callbacks", "history", "masks"),
    }
)
"""Words of what is no network, whatever arrays it holds."""


def words(name: str) -> frozenset[str]:
    """Returns the words of a name in lower case.

    Examples:
        >>> sorted(words("netG_ema")), sorted(words("momentumEncoder.0"))
        (['ema', 'g', 'net'], ['encoder', 'momentum'])
    """
    return frozenset(word.lower() for word in WORD.findall(name))


def has_role(name: str) -> bool:
    """Says whether a name tells what its network is to others."""
    return bool(words(name) & ROLES)


def is_no_network(name: str) -> bool:
    """Says whether a name is that of a loss, an optimizer or the like."""
    return bool(words(name) & NO_NETWORK)


def rank(name: str, *, alike: bool) -> tuple[int, str]:
    """Returns how much a name speaks for its network among others, and why.

    Args:
        name: a key, or the part of a name that stands for the network.
        alike: whether the networks have one structure.

    Examples:
        >>> [rank(name, alike=True)[0] for name in ("g_ema", "g", "d", "model")]
        [4, 1, -4, 0]
    """
    found = words(name)
    weighed = (
        (AVERAGED, 3, "averaged weights are what authors evaluate and release"),
        (TEACHER, 2 if alike else -2, "a teacher of the student's structure is its average, which authors release"),
        (STUDENT, 0 if alike else 1, "a student of another structure than its teacher is what distillation makes"),
        (AHEAD, 1, "it is the one that is trained, the other follows it"),
        (MADE, 1, "the other only judges it"),
        (BEHIND, -2, "it follows the one that is trained"),
        (JUDGING, -4, "it judges another network"),
    )
    fitting = [(weight, why) for role, weight, why in weighed if found & role]
    return sum(weight for weight, _ in fitting), next((why for _, why in fitting), "")


def usual(names: Sequence[str], *, alike: bool) -> tuple[list[int], str]:
    """Returns which of several networks are usually meant, all that come equally first, and why.

    Examples:
        >>> usual(["student", "teacher"], alike=True)[0], usual(["encoder_q", "encoder_k"], alike=True)[0]
        ([1], [0])
        >>> usual(["a", "b"], alike=True)
        ([0, 1], 'no name tells which is meant')
    """
    ranks = [rank(name, alike=alike) for name in names]
    best = max(value for value, _ in ranks)
    first = [index for index, (value, _) in enumerate(ranks) if value == best]
    reason = ranks[first[0]][1] or next((why for value, why in ranks if value < best), "")
    return first, reason.replace("it judges", "another judges").replace("it follows", "another follows") or AMBIGUOUS


AMBIGUOUS = "no name tells which is meant"
