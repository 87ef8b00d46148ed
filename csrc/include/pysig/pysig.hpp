// The public API for C++17 programs: signatures of plain arrays, header-only, no dependency. Checks its arguments and
// throws std::invalid_argument, which names the argument, what was expected and what was received.
//
//     #include <pysig/pysig.hpp>
//     std::vector<double> s = pysig::signature(points, channels, depth);
//
// Compile with the flags of the target machine (-O3 -march=native): the width of the lanes follows them. Files of one
// program must be compiled with the same ones. Or link the CMake target pysig::pysig, whose kernels were compiled for
// every instruction set.
#pragma once

#if __cplusplus < 201703L && !(defined(_MSVC_LANG) && _MSVC_LANG >= 201703L)
#error "pysig/pysig.hpp needs C++17: compile with -std=c++17 or later"
#endif

#include "algebra.hpp"
#include "detail/lyndon.hpp"
#include "incremental.hpp"
#include "logsignature.hpp"
#include "signature.hpp"
#include "signature_vjp.hpp"
