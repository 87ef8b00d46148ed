// The job of a schedule of signatures: plain data, the same type for every instruction set.
#pragma once

#include "executor.hpp"
#include "path.hpp"

namespace pysig {

// Values as in PYSIG_METHOD_... of pysig.h.
enum class method : int { automatic = 0, tile = 1, cumsum = 2 };

template <class R>
struct signature_job {
    path_view<R> path;
    int depth;
    pysig::method method = pysig::method::automatic;
    bool stream = false;         // the signatures of all prefixes of a path
    bool inverse = false;        // the inverse in the group
    bool scalar_term = false;    // with the constant 1 in front
    const R* initial = nullptr;  // (batch, size) row-major, without the scalar: signatures that the paths continue
    R* out = nullptr;            // (batch, [rows,] size [+ 1]) row-major
};

}  // namespace pysig
