"""What a sample of whole items is worth: events of one repository are lost together, so they are no draws of their own.

The share of a sample that was drawn by item is a ratio of two totals. Its variance is estimated by the jackknife, which leaves
one item out at a time (K. M. Wolter, Introduction to Variance Estimation, 2nd edition, 2007, chapter 4); linearised (W. G.
Cochran, Sampling Techniques, 3rd edition, 1977, chapter 6) it is too small where a few items have most. The finite population
is not taken into account, which makes it larger. Divided into the variance that independent draws would have, it gives the
effective size of the sample (L. Kish, Survey Sampling, 1965), less what Student's quantile takes for few items (E. L. Korn and
B. I. Graubard, Survey Methodology 24, 1998).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import fsum

Z = 1.959964
"""The normal quantile of an interval at 95 %."""


def independent_draws(held: Mapping[str, int], true: Mapping[str, int]) -> float:
    """How many independent draws the sample is worth: at most as many as things were counted, and at least none.

    `true` are the things of each item that was asked, `held` what is held of each. Where all or nothing is held no two items
    differ, and nothing says how they might: then each item counts as one draw, as if its things were lost together.
    """
    items = [item for item, count in true.items() if count > 0]
    whole, kept, number = sum(true.values()), sum(held.get(item, 0) for item in true), len(items)
    if not whole:
        return 0.0
    share = Fraction(kept, whole)
    if not 0 < share < 1 or number == 1:
        return float(number)
    # Without an item the share is another by (share of it - what it holds) / the rest.
    moved = (float((share * true[item] - held.get(item, 0)) / (whole - true[item])) for item in items)
    jackknife = (number - 1) / number * fsum(difference**2 for difference in moved)
    effect = max(1.0, jackknife * whole / float(share * (1 - share)))
    return whole / effect * (Z / student(number - 1)) ** 2


def student(degrees: int) -> float:
    """The quantile of Student's distribution for an interval at 95 %; within 1 % of it.

    By the expansion in powers of one over the degrees of freedom (Abramowitz and Stegun, 1964, 26.7.5); below 3 it is too coarse.

    >>> [round(student(degrees), 2) for degrees in (1, 10, 149)]
    [12.71, 2.23, 1.98]
    """
    exact = {1: 12.7062, 2: 4.3027}
    if degrees in exact:
        return exact[degrees]
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
    )
    return Z + sum(term / float(degrees) ** power for power, term in enumerate(terms, 1))
