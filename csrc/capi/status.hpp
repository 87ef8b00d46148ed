// From exceptions to statuses: the one wrapper around everything that pysig.h offers.
#pragma once

#include <new>
#include <stdexcept>

#include "pysig/pysig.h"

namespace pysig {

// Remembers the message for this thread, cut to what fits; allocates nothing.
int failed(int status, const char* message) noexcept;

template <class F>
int status_of(F&& body) noexcept {
    try {
        body();
        return PYSIG_OK;
    } catch (const std::invalid_argument& error) {
        return failed(PYSIG_INVALID_ARGUMENT, error.what());
    } catch (const std::bad_alloc&) {
        return failed(PYSIG_OUT_OF_MEMORY, "pysig: not enough memory.");
    } catch (const std::length_error&) {
        return failed(PYSIG_OUT_OF_MEMORY, "pysig: more memory than any machine has.");
    } catch (const std::runtime_error& error) {
        return failed(PYSIG_NO_INSTRUCTION_SET, error.what());
    } catch (const std::exception& error) {
        return failed(PYSIG_INTERNAL_ERROR, error.what());
    } catch (...) {
        return failed(PYSIG_INTERNAL_ERROR, "pysig: an unknown exception.");
    }
}

}  // namespace pysig
