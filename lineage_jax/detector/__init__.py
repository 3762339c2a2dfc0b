"""The learned detector: it looks at a child beside each candidate parent and says whose child it is.

    examples = examples_of(family.parents, family.children, family.truth, probes, weights=("fc3",), features=features)
    parts = split([examples], seed=0)                                      # 70 / 10 / 20 %, as published
    fitted = fit(Detector(weights=("fc3",), features=("relu3",)), parts.train, parts.validation)
    probabilities(fitted, parts.test[0])                                   # xarray: parent child

Every network is looked at once (`Views`); pairs exist only inside a compiled step. A detector that was trained with ten
candidates takes three or three hundred, of any width.

    evidence_scores(parents, children)                                     # xarray: parent child

asks another one, which comes with the library. It looks at what learning-free methods see of every tensor, not at the
weights themselves, so it takes networks of any architecture and nothing has to be learned first.
"""

from lineage_jax.detector._calibration import expected_calibration_error as expected_calibration_error
from lineage_jax.detector._calibration import fit_temperature as fit_temperature
from lineage_jax.detector._detector import Detector as Detector
from lineage_jax.detector._evaluate import NOBODY as NOBODY
from lineage_jax.detector._evaluate import Evaluation as Evaluation
from lineage_jax.detector._evaluate import Predictions as Predictions
from lineage_jax.detector._evaluate import evaluate as evaluate
from lineage_jax.detector._evaluate import evaluate_fitted as evaluate_fitted
from lineage_jax.detector._evaluate import predict as predict
from lineage_jax.detector._evaluate import probabilities as probabilities
from lineage_jax.detector._evidence import NUMBERS as NUMBERS
from lineage_jax.detector._evidence import CandidateEvidence as CandidateEvidence
from lineage_jax.detector._evidence import evidence_of as evidence_of
from lineage_jax.detector._evidence_ask import evidence_scores as evidence_scores
from lineage_jax.detector._evidence_cases import Case as Case
from lineage_jax.detector._evidence_cases import Draw as Draw
from lineage_jax.detector._evidence_cases import Looks as Looks
from lineage_jax.detector._evidence_cases import looks_at as looks_at
from lineage_jax.detector._evidence_features import features_of as features_of
from lineage_jax.detector._evidence_fit import EvidenceTraining as EvidenceTraining
from lineage_jax.detector._evidence_fit import fit_evidence as fit_evidence
from lineage_jax.detector._evidence_fit import logits_of_looks as logits_of_looks
from lineage_jax.detector._evidence_fitted import SHIPPED as SHIPPED
from lineage_jax.detector._evidence_fitted import FittedEvidence as FittedEvidence
from lineage_jax.detector._evidence_fitted import evidence_probabilities as evidence_probabilities
from lineage_jax.detector._evidence_fitted import load_evidence_detector as load_evidence_detector
from lineage_jax.detector._evidence_fitted import save_evidence_detector as save_evidence_detector
from lineage_jax.detector._examples import Batch as Batch
from lineage_jax.detector._examples import Examples as Examples
from lineage_jax.detector._examples import batches as batches
from lineage_jax.detector._examples import examples_of as examples_of
from lineage_jax.detector._fit import fit as fit
from lineage_jax.detector._fitted import Fitted as Fitted
from lineage_jax.detector._fitted import load_detector as load_detector
from lineage_jax.detector._fitted import save_detector as save_detector
from lineage_jax.detector._layers import Layers as Layers
from lineage_jax.detector._layers import choose_layers as choose_layers
from lineage_jax.detector._layers import last_kernel as last_kernel
from lineage_jax.detector._look import look_at as look_at
from lineage_jax.detector._split import Split as Split
from lineage_jax.detector._split import folds as folds
from lineage_jax.detector._split import split as split
from lineage_jax.detector._training import DetectorTraining as DetectorTraining
from lineage_jax.detector._training import Program as Program
from lineage_jax.detector._training import State as State
from lineage_jax.detector._training import init as init
from lineage_jax.detector._training import train_step as train_step
from lineage_jax.detector._views import Views as Views
from lineage_jax.detector._views import layers_with_kernels as layers_with_kernels
from lineage_jax.detector._views import views_of as views_of
from lineage_jax.detector._views import with_shapes_of as with_shapes_of
