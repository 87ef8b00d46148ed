/* A ball in a box. Its path (time, x, y) goes into an incremental signature while the simulation runs, and into a
 * sliding one, which keeps the last second. C99. */
#include <pysig/pysig.h>

#include <stdio.h>
#include <stdlib.h>

enum { channels = 3, depth = 3, steps = 1000 };

static void check(int status) {
    if (status == PYSIG_OK) return;
    fprintf(stderr, "%s\n", pysig_last_error());
    exit(1);
}

static void print(const char* name, const double* values, int64_t count) {
    printf("%s", name);
    for (int64_t i = 0; i < count; ++i) printf(" %.17g", values[i]);
    printf("\n");
}

int main(void) {
    int64_t size, coordinates;
    pysig_basis* words;
    pysig_incremental_f64* incremental;
    pysig_sliding_f64* window;
    check(pysig_signature_size(channels, depth, &size));
    check(pysig_basis_create(channels, depth, PYSIG_BASIS_WORDS, &words));
    check(pysig_basis_size(words, &coordinates));
    check(pysig_incremental_create_f64(channels, depth, &incremental));
    check(pysig_sliding_create_f64(channels, depth, 0, 100, &window));
    double* path = malloc((steps + 1) * channels * sizeof(double));
    double* s = malloc((size_t)(size + 1) * sizeof(double));
    if (!path || !s) return 1;

    double t = 0, x = 0.5, y = 0.25, vx = 0.75, vy = -1.25;
    const double dt = 1.0 / 64;
    for (int step = 0; step <= steps; ++step) {
        double* point = path + step * channels;
        point[0] = t;
        point[1] = x;
        point[2] = y;
        check(pysig_incremental_push_f64(incremental, point, channels)); /* allocates nothing */
        check(pysig_sliding_push_times_f64(window, point, channels, &t, 1));
        check(pysig_sliding_evict_f64(window, t - 1, 0, 0, NULL));
        t += dt;
        x += vx * dt;
        y += vy * dt;
        if (x < 0 || x > 1) vx = -vx;
        if (y < 0 || y > 1) vy = -vy;
    }
    check(pysig_incremental_signature_f64(incremental, s, size));
    print("incremental", s, size);
    check(pysig_incremental_logsignature_f64(incremental, words, s, coordinates));
    print("incremental-logsignature", s, coordinates);
    check(pysig_sliding_signature_f64(window, s, size));
    print("sliding", s, size);

    /* A whole path at once, with options. */
    pysig_options options;
    check(pysig_options_init(&options, sizeof options));
    options.scalar_term = 1;
    check(pysig_signature_f64(path, (steps + 1) * channels, channels, depth, &options, s, size + 1));
    print("signature", s, size + 1);

    if (pysig_signature_f64(path, (steps + 1) * channels, channels, 0, NULL, s, size) != PYSIG_OK)
        printf("refused %s\n", pysig_last_error());

    pysig_sliding_destroy_f64(window);
    pysig_incremental_destroy_f64(incremental);
    pysig_basis_destroy(words);
    free(s);
    free(path);
    return 0;
}
