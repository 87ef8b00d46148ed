// What a log-signature is asked to be: plain data, no code, the same type for every instruction set.
#pragma once

#include "algebra.hpp"

namespace pysig {

// `signature` says which signatures (without scalar; its `out` is not used), `logarithm` what is done with them (a
// series; its `a` and `batch` are not used).
template <class R>
struct logsignature_job {
    signature_job<R> signature;
    tensor_job<R> logarithm;
};

}  // namespace pysig
