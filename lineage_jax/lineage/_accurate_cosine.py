"""The cosine of two networks' weights from sums over their leaves: one definition wherever weights are compared."""

import numpy as np
from jaxtyping import Float


def accurate_cosine(
    squared: Float[np.ndarray, "*pairs"],
    product: Float[np.ndarray, "*pairs"],
    of_parent: Float[np.ndarray, "*pairs"],
    of_child: Float[np.ndarray, "*pairs"],
) -> Float[np.ndarray, "*pairs"]:
    r"""Returns $\langle c, p \rangle / (\|c\| \|p\|)$, accurate to the last digit of 1 - cos where the two are alike.

    The sums may be good to a few digits only: near copies are compared by their difference,

    $$1 - \cos = (\|c - p\|^2 - (\|c\| - \|p\|)^2) / (2 \|c\| \|p\|).$$

    Args:
        squared: the sum of (c - p)^2 over all leaves that are compared.
        product: of c p.
        of_parent: of p^2, good to float64.
        of_child: of c^2, good to float64.

    Returns:
        Cosines, -1 to 1; 0 where either side is all zero.

    Examples:
        >>> cosine = accurate_cosine(*(np.array(x) for x in (1e-10, 1.0, 1.0, 1.0)))
        >>> f"{1 - cosine:.3e}"
        '5.000e-11'
    """
    lengths = np.sqrt(of_parent) * np.sqrt(of_child)
    none = lengths == 0
    lengths = np.where(none, 1.0, lengths)
    longer = np.sqrt(of_parent) - np.sqrt(of_child)
    alike = 1 - np.maximum(squared - longer**2, 0.0) / (2 * lengths)
    cosine = np.where(squared < lengths, alike, np.clip(product / lengths, -1.0, 1.0))
    return np.where(none, 0.0, cosine)
