"""By which factors numbers may be multiplied: sparse linear equations in their logarithms, or in their signs.

A factor is a product of powers of unknowns, so its logarithm is a sum; equations are eliminated as they come. Signs are
the same over the field of two elements: a power of -1 counts modulo 2.
"""

from dataclasses import dataclass, field

import numpy as np

ANY = -1
"""The factor of a zero: it fits every equation."""
ONE = 0
MOST = 1 << 31
"""No more factors than fit a pair into one integer."""

Sum = tuple[tuple[int, float], ...]


@dataclass(kw_only=True)
class Factors:
    """Factors by number, and the equations between them.

    Attributes:
        binary: whether powers count modulo 2 (signs).
        sums: by number a factor's logarithm: pairs of an unknown and its coefficient.
        solved: by unknown what it was eliminated to.
    """

    binary: bool
    sums: list[Sum] = field(default_factory=lambda: [()])
    numbers: dict[Sum, int] = field(default_factory=lambda: {(): ONE})
    solved: dict[int, Sum] = field(default_factory=dict)

    def unknowns(self, first: int, count: int) -> np.ndarray:
        """Returns factors that are each an unknown of their own."""
        known, new = len(self.sums), [((first + index, 1.0),) for index in range(count)]
        self.sums += new
        self.numbers |= zip(new, range(known, known + count), strict=True)
        return known + np.arange(count)

    def product(self, first: np.ndarray, second: np.ndarray, power: float = 1.0) -> np.ndarray:
        """Returns first * second ** power, position by position; a zero stays a zero."""
        first, second = np.broadcast_arrays(first, second)
        found = np.where(second == ONE, first, second)  # which is all where one of them is 1
        found[(first == ANY) | (second == ANY)] = ANY
        rest = (found > ONE) & (second != ONE) & ((first != ONE) | (power != 1))
        if rest.any():
            pairs, where = _pairs(first[rest], second[rest])
            found[rest] = np.asarray([self._combined(*pair, power) for pair in pairs], np.int64)[where]
        return found

    def power(self, factor: np.ndarray, power: float) -> np.ndarray:
        """Returns factor ** power."""
        return self.product(np.where(factor == ANY, ANY, ONE), factor, power)

    def equate(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Says that factors are equal, position by position, and returns them; what is zero takes the other's."""
        first, second = np.broadcast_arrays(first, second)
        asked = (first != second) & (first != ANY) & (second != ANY)
        for one, two in _pairs(first[asked], second[asked])[0]:
            if not self._joined(self.sums[one], self.sums[two]):
                self._eliminate(self.normal(one), self.normal(two))
        return np.where(first == ANY, second, first)

    def normal(self, number: int) -> Sum:
        """Returns a factor's logarithm in unknowns that are free."""
        return self._in_free(self.sums[number])

    def normal_of(self, unknown: int) -> Sum:
        """Returns an unknown in those that are free."""
        return self._in_free(((unknown, 1.0),))

    def _in_free(self, terms: Sum) -> Sum:
        solved, passed = self.solved, []
        while len(terms) == 1 and terms[0][1] == 1.0 and terms[0][0] in solved:
            passed.append(terms[0][0])
            terms = solved[terms[0][0]]
        if len(terms) > 1 or (terms and terms[0][0] in solved):
            terms = self._all_in_free(terms)
        for unknown in passed:
            solved[unknown] = terms  # whoever asks next has it at once
        return terms

    def _all_in_free(self, terms: Sum) -> Sum:
        solved = self.solved
        total: dict[int, float] = {}
        pending = list(terms)
        while pending:
            unknown, coefficient = pending.pop()
            if unknown in solved:
                pending += [(other, coefficient * more) for other, more in solved[unknown]]
            else:
                total[unknown] = total.get(unknown, 0.0) + coefficient
        return self._tidy(total)

    def _combined(self, first: int, second: int, power: float) -> int:
        one, two = self.sums[first], self.sums[second]
        if len(one) == len(two) == 1 and one[0][0] != two[0][0] and power == 1.0:  # most often: nothing to add up
            return self._number_of((*one, *two) if one[0][0] < two[0][0] else (*two, *one))
        total = dict(one)
        for unknown, coefficient in two:
            total[unknown] = total.get(unknown, 0.0) + power * coefficient
        return self._number(total)

    def _joined(self, one: Sum, two: Sum) -> bool:
        """Does what is asked most often: of two free unknowns the later becomes the earlier one, or one becomes 1."""
        if not one or not two:
            single = one or two
            if len(single) != 1 or single[0][0] in self.solved:
                return False
            self.solved[single[0][0]] = ()
            return True
        if not (len(one) == len(two) == 1 and one[0][1] == two[0][1] == 1.0):
            return False
        earlier, later = (one, two) if one[0][0] < two[0][0] else (two, one)
        if earlier[0][0] in self.solved or later[0][0] in self.solved:
            return False
        self.solved[later[0][0]] = earlier
        return True

    def _eliminate(self, one: Sum, two: Sum) -> None:
        """Solves an equation between sums of free unknowns for the latest of them."""
        if one == two or self._joined(one, two):
            return
        total = dict(one)
        for unknown, coefficient in two:
            total[unknown] = total.get(unknown, 0.0) - coefficient
        difference = dict(self._tidy(total))
        if difference:
            unknown = max(difference)
            coefficient = difference.pop(unknown)
            self.solved[unknown] = self._tidy({other: -more / coefficient for other, more in difference.items()})

    def _number(self, total: dict[int, float]) -> int:
        return self._number_of(self._tidy(total))

    def _number_of(self, tidy: Sum) -> int:
        found = self.numbers.setdefault(tidy, len(self.sums))
        if found == len(self.sums):
            self.sums.append(tidy)
        return found

    def _tidy(self, total: dict[int, float]) -> Sum:
        if self.binary:
            return tuple(sorted((unknown, 1.0) for unknown, coefficient in total.items() if coefficient % 2))
        return tuple(sorted(item for item in total.items() if item[1]))


def _pairs(first: np.ndarray, second: np.ndarray) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Returns the pairs of numbers that occur, and position by position which it is."""
    pairs, where = np.unique((first + 1) * MOST + second + 1, return_inverse=True)
    found = zip((pairs // MOST - 1).tolist(), (pairs % MOST - 1).tolist(), strict=True)
    return list(found), where.reshape(first.shape)
