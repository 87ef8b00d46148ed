// The job of a schedule of log-signatures: plain data, the same type for every instruction set.
#pragma once

#include "algebra.hpp"
#include "signature.hpp"

namespace pysig {

// `signature` has no scalar term, and its `out` is not used. `logarithm` is the series log; its `a` and `batch` are not
// used, and its `out` receives the result.
template <class R>
struct logsignature_job {
    signature_job<R> signature;
    algebra_job<R> logarithm;
};

}  // namespace pysig
