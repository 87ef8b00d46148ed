// A ball in a box. Its path (time, x, y) goes into an incremental signature while the simulation runs, and into a
// sliding one, which keeps the last second.
#include <pysig/pysig.hpp>

#include <cstdio>
#include <exception>
#include <vector>

namespace {

constexpr int channels = 3, depth = 3, steps = 1000;

struct ball {
    double t = 0, x = 0.5, y = 0.25, vx = 0.75, vy = -1.25;

    void move(double dt) {
        t += dt;
        x += vx * dt;
        y += vy * dt;
        if (x < 0 || x > 1) vx = -vx;
        if (y < 0 || y > 1) vy = -vy;
    }
};

void print(const char* name, pysig::span<const double> values) {
    std::printf("%s", name);
    for (pysig::i64 i = 0; i < values.size(); ++i) std::printf(" %.17g", values[i]);
    std::printf("\n");
}

void run() {
    ball b;
    pysig::incremental_signature<double> incremental(channels, depth);
    pysig::sliding_signature<double> window(channels, depth);
    std::vector<double> path;
    for (int step = 0; step <= steps; ++step) {
        const double point[channels] = {b.t, b.x, b.y};
        incremental.push(point);  // allocates nothing
        const double times[] = {b.t};
        window.push(point, times);
        window.evict(b.t - 1);  // keeps the last second
        path.insert(path.end(), point, point + channels);
        b.move(1.0 / 64);
    }
    print("incremental", incremental.signature());

    print("sliding", window.signature());

    const pysig::logsignature_basis words(channels, depth, pysig::basis::words);
    print("incremental-logsignature", incremental.logsignature(words));

    // A whole path at once, with options; and the gradient of the sum of all coefficients.
    pysig::signature_options<double> options;
    options.scalar_term = true;
    const std::vector<double> s = pysig::signature(path, channels, depth, options);
    print("signature", s);
    const std::vector<double> ones(s.size(), 1.0);
    const auto gradient = pysig::signature_vjp(path, channels, depth, ones, options);
    print("gradient", {gradient.path.data(), channels});  // at the first point

    try {
        pysig::signature(path, channels, 0);
    } catch (const std::invalid_argument& error) {
        std::printf("refused %s\n", error.what());
    }
}

}  // namespace

int main() {
    try {
        run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
