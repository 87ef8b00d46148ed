// The functions of pysig.h for sliding signatures: included once for each precision, with PYSIG_R and PYSIG_NAME.

int PYSIG_NAME(pysig_sliding_create)(int64_t channels, int depth, int worst_case, int64_t capacity,
                                     PYSIG_NAME(pysig_sliding) * *handle) {
    return create(handle, "sliding", [&] {
        return sliding_signature<PYSIG_R>(channels, depth, flag(worst_case, "worst_case"), capacity);
    });
}
int PYSIG_NAME(pysig_sliding_copy)(const PYSIG_NAME(pysig_sliding) * from, PYSIG_NAME(pysig_sliding) * *copy) {
    return create(copy, "copy", [&] { return non_null(from, "sliding").sliding; });
}
void PYSIG_NAME(pysig_sliding_destroy)(PYSIG_NAME(pysig_sliding) * handle) { delete handle; }

int PYSIG_NAME(pysig_sliding_reset)(PYSIG_NAME(pysig_sliding) * handle) {
    return status_of([&] { non_null(handle, "sliding").sliding.reset(); });
}
int PYSIG_NAME(pysig_sliding_push)(PYSIG_NAME(pysig_sliding) * handle, const PYSIG_R* points, int64_t points_size) {
    return status_of([&] { non_null(handle, "sliding").sliding.push(array(points, points_size, "points")); });
}
int PYSIG_NAME(pysig_sliding_push_times)(PYSIG_NAME(pysig_sliding) * handle, const PYSIG_R* points, int64_t points_size,
                                         const double* times, int64_t times_size) {
    return status_of([&] {
        non_null(handle, "sliding")
            .sliding.push(array(points, points_size, "points"), array(times, times_size, "times"));
    });
}
int PYSIG_NAME(pysig_sliding_push_ticks)(PYSIG_NAME(pysig_sliding) * handle, const PYSIG_R* points, int64_t points_size,
                                         const int64_t* ticks, int64_t ticks_size) {
    return status_of([&] {
        non_null(handle, "sliding")
            .sliding.push(array(points, points_size, "points"), array(ticks, ticks_size, "ticks"));
    });
}
int PYSIG_NAME(pysig_sliding_pop)(PYSIG_NAME(pysig_sliding) * handle, int64_t count) {
    return status_of([&] { non_null(handle, "sliding").sliding.pop(count); });
}
int PYSIG_NAME(pysig_sliding_evict)(PYSIG_NAME(pysig_sliding) * handle, double before, int inclusive,
                                    int include_previous, int64_t* dropped) {
    return status_of([&] {
        const i64 count =
            non_null(handle, "sliding")
                .sliding.evict(before, flag(inclusive, "inclusive"), flag(include_previous, "include_previous"));
        if (dropped) *dropped = count;
    });
}
int PYSIG_NAME(pysig_sliding_evict_ticks)(PYSIG_NAME(pysig_sliding) * handle, int64_t before, int inclusive,
                                          int include_previous, int64_t* dropped) {
    return status_of([&] {
        const i64 count =
            non_null(handle, "sliding")
                .sliding.evict(before, flag(inclusive, "inclusive"), flag(include_previous, "include_previous"));
        if (dropped) *dropped = count;
    });
}
int PYSIG_NAME(pysig_sliding_signature)(const PYSIG_NAME(pysig_sliding) * handle, PYSIG_R* out, int64_t out_size) {
    return status_of([&] { non_null(handle, "sliding").sliding.signature_into(array(out, out_size, "out")); });
}
int PYSIG_NAME(pysig_sliding_logsignature)(const PYSIG_NAME(pysig_sliding) * handle, const pysig_basis* basis,
                                           PYSIG_R* out, int64_t out_size) {
    return status_of([&] {
        non_null(handle, "sliding")
            .sliding.logsignature_into(non_null(basis, "basis").tables, array(out, out_size, "out"));
    });
}
int PYSIG_NAME(pysig_sliding_sizes)(const PYSIG_NAME(pysig_sliding) * handle, int64_t* channels, int* depth,
                                    int64_t* points) {
    return status_of([&] {
        const auto& sliding = non_null(handle, "sliding").sliding;
        if (channels) *channels = sliding.channels();
        if (depth) *depth = sliding.depth();
        if (points) *points = sliding.points();
    });
}
int PYSIG_NAME(pysig_sliding_serialised_size)(const PYSIG_NAME(pysig_sliding) * handle, int64_t* size) {
    return status_of([&] { non_null(size, "size") = non_null(handle, "sliding").sliding.serialised_size(); });
}
int PYSIG_NAME(pysig_sliding_serialise)(const PYSIG_NAME(pysig_sliding) * handle, unsigned char* bytes, int64_t size) {
    return status_of([&] { non_null(handle, "sliding").sliding.serialise_into(array(bytes, size, "bytes")); });
}
int PYSIG_NAME(pysig_sliding_deserialise)(const unsigned char* bytes, int64_t size,
                                          PYSIG_NAME(pysig_sliding) * *handle) {
    return create(handle, "sliding",
                  [&] { return sliding_signature<PYSIG_R>::deserialise(array(bytes, size, "bytes")); });
}
