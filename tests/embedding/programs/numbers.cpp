// Reads paths, writes the results of the C++ API, for comparison with Python.
//     numbers float64|float32 batch length channels depth FLAGS BASIS < path [basepoint] [initial] [lengths] > results
// FLAGS: s stream, i inverse, 1 scalar_term, t tile, c cumsum, w three workers; b, n, l: what follows the path.
// Results: the signatures, the log-signatures, the gradients of the sum of all coefficients.
#include <pysig/pysig.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace {

template <class T>
std::vector<T> read(pysig::i64 count) {
    std::vector<T> out(static_cast<std::size_t>(count));
    if (std::fread(out.data(), sizeof(T), out.size(), stdin) != out.size())
        throw std::runtime_error("too little input");
    return out;
}

template <class T>
void write(const std::vector<T>& values) {
    if (std::fwrite(values.data(), sizeof(T), values.size(), stdout) != values.size())
        throw std::runtime_error("cannot write");
}

template <class R>
void run(char** argument) {
    const pysig::i64 batch = std::atoll(argument[0]), length = std::atoll(argument[1]),
                     channels = std::atoll(argument[2]);
    const int depth = std::atoi(argument[3]);
    const auto has = [&](char flag) { return std::strchr(argument[4], flag) != nullptr; };
    pysig::signature_options<R> options;
    options.batch = batch;
    options.stream = has('s');
    options.inverse = has('i');
    options.method = has('t') ? pysig::method::tile : has('c') ? pysig::method::cumsum : pysig::method::automatic;
    options.workers = has('w') ? 3 : 1;
    const std::vector<R> path = read<R>(batch * length * channels);
    const std::vector<R> basepoint = read<R>(has('b') ? batch * channels : 0);
    const std::vector<R> initial = read<R>(has('n') ? batch * pysig::signature_size(channels, depth) : 0);
    const std::vector<pysig::i64> lengths = read<pysig::i64>(has('l') ? batch : 0);
    options.basepoint = basepoint;
    options.initial = initial;
    options.lengths = lengths;

    const pysig::logsignature_basis basis(channels, depth, static_cast<pysig::basis>(std::atoi(argument[5])));
    const std::vector<R> logarithm = pysig::logsignature(path, basis, options);
    options.scalar_term = has('1');
    const std::vector<R> s = pysig::signature(path, channels, depth, options);
    const auto bars = pysig::signature_vjp(path, channels, depth, std::vector<R>(s.size(), R(1)), options);
    write(s);
    write(logarithm);
    write(bars.path);
    write(bars.basepoint);
    write(bars.initial);
}

}  // namespace

int main(int count, char** argument) {
    try {
        if (count != 8) throw std::runtime_error("see the first lines of this file");
        std::strcmp(argument[1], "float32") == 0 ? run<float>(argument + 2) : run<double>(argument + 2);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
