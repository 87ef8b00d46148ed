// C1. The word tile: a prefix p and the words p i, p i j for `I` letters i and `J` letters j.
// Its accumulators stay in registers while it rides along the path; with H[i] the chain of p i (horner.hpp at reach 2),
//     A[i][j] += H[i] * x[j],    H[i] = chain_1(p) * x[i] + a[i],    a[i] += chain_0(p) * x[i].
// One multiply-add per coefficient of the top level and step: the floor of the whole computation.
#pragma once

#include "horner.hpp"

PYSIG_NAMESPACE_BEGIN

template <class R, int I, int J, class T>
PYSIG_HD void tile_step(T (&a)[I], T (&A)[I][J], const T* chain, const T* xi, const T* xj) {
    for (int i = 0; i < I; ++i) {
        T h;
        extend<R, 2>(chain, xi[i], a[i], &h);
        for (int j = 0; j < J; ++j) A[i][j] = advance(A[i][j], h, xj[j]);
    }
}

PYSIG_NAMESPACE_END
