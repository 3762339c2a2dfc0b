from lineage_jax.similarity import MEASURES, debiased_cka, distance_correlation, linear_cka


def test_command_line_knows_every_measure_by_its_short_name():
    assert list(MEASURES) == ["l1", "l2", "lp", "linf", "lse", "cosine", "cka", "dc", "debiased_cka"]
    assert MEASURES["cka"] is linear_cka
    assert MEASURES["dc"] is distance_correlation
    assert MEASURES["debiased_cka"] is debiased_cka
