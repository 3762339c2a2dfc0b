"""What people read and look at: tables for the terminal, a page for a verdict, and figures, which need matplotlib."""

from lineage_jax.report._chords import chord_figure as chord_figure
from lineage_jax.report._laziness import laziness_figure as laziness_figure
from lineage_jax.report._profile import profile_figure as profile_figure
from lineage_jax.report._tables import accuracy_table as accuracy_table
from lineage_jax.report._tables import decision_table as decision_table
from lineage_jax.report._tables import overlap_table as overlap_table
from lineage_jax.report._tables import score_table as score_table
from lineage_jax.report._verification_page import html_report as html_report
