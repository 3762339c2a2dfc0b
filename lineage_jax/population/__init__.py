"""Families with known truth: parents trained from scratch, children fine-tuned from them, all side by side.

    family = make_family(network, source, target, settings=FamilySettings(num_parents=5, children_per_parent=4))
    family.parents, family.children, family.truth          # stacked networks, and whose child each is

    make_generations(roots, plan, seed=0).forest           # children of children; see `lineage_jax.genealogy`
    pretrain(models.unet(2, width=8), tiles, ...)          # `tiles` is `data.Annotated`: a class for every pixel
    pretrain(network, images, ..., objective=loss)         # anything else: what it loses on a minibatch is yours
    mixed = hybrids(parents, random_origins(("fc1", "fc2"), parents.names, count=9, seed=0))
    finetune(mixed, network, target, children_per_parent=1, ...)     # children whose layers differ in their parents

All parents are trained in one compiled program and all children in another. One seed gives one family, bit for bit on
the same device.
"""

from lineage_jax.population._family import Family as Family
from lineage_jax.population._family import load_family as load_family
from lineage_jax.population._family import make_family as make_family
from lineage_jax.population._family import save_family as save_family
from lineage_jax.population._family import subsets_of as subsets_of
from lineage_jax.population._finetune import descend as descend
from lineage_jax.population._finetune import finetune as finetune
from lineage_jax.population._generations import Generation as Generation
from lineage_jax.population._generations import Generations as Generations
from lineage_jax.population._generations import make_generations as make_generations
from lineage_jax.population._generations import random_parents as random_parents
from lineage_jax.population._hybrids import Origins as Origins
from lineage_jax.population._hybrids import hybrids as hybrids
from lineage_jax.population._hybrids import random_origins as random_origins
from lineage_jax.population._objective import Objective as Objective
from lineage_jax.population._objective import classification as classification
from lineage_jax.population._pretrain import pretrain as pretrain
from lineage_jax.population._pretrain import pretrain_checkpoints as pretrain_checkpoints
from lineage_jax.population._run import Trained as Trained
from lineage_jax.population._run import accuracy as accuracy
from lineage_jax.population._settings import FamilySettings as FamilySettings
from lineage_jax.population._settings import TrainingSettings as TrainingSettings
