/* See drill_bound.h. */
#include "agent/drill_bound.h"

/* By squaring: a sum of logarithms would need the library of mathematics for this one place. */
static long double power(long double base, uint64_t exponent)
{
    long double result = 1;

    for (; exponent > 0; exponent /= 2, base *= base)
        if (exponent % 2 == 1)
            result *= base;
    return result;
}

/* At most `k` of `n` by a chance of p up to 1/2: so that its first term stays within a long double up to n = 16,000. */
static long double sum_low(uint64_t k, uint64_t n, long double p)
{
    long double term = power(1 - p, n), sum = term;

    for (uint64_t i = 0; i < k; i++) {
        term *= (long double)(n - i) / (long double)(i + 1) * (p / (1 - p));
        sum += term;
    }
    return sum;
}

static long double at_most(uint64_t k, uint64_t n, long double p)
{
    return p <= 0.5L ? sum_low(k, n, p) : 1 - sum_low(n - k - 1, n, 1 - p);
}

double drill_bound(uint64_t bad, uint64_t tested, double confidence)
{
    long double low = 0, high = 1;

    if (bad >= tested)
        return 1;
    for (int i = 0; i < 80; i++) { /* more halves than a double has digits */
        long double middle = (low + high) / 2;
        if (at_most(bad, tested, middle) > 1 - (long double)confidence)
            low = middle;
        else
            high = middle;
    }
    return (double)high;
}
