"""What people read: tables of scores and of accuracies."""

from lineage_jax.report._tables import accuracy_table as accuracy_table
from lineage_jax.report._tables import decision_table as decision_table
from lineage_jax.report._tables import score_table as score_table
