// Time in nanoseconds on the clock that all processes of a machine share, and percentiles of many durations.
#ifndef CLOCK_H
#define CLOCK_H
#include <stdint.h>
#include <string.h>
#include <time.h>

// Durations are counted in buckets whose width is at most a 64th of their value, whatever their size.
enum { FINE_BITS = 6, FINE = 1 << FINE_BITS, BUCKETS = (64 - FINE_BITS + 1) * FINE };

typedef struct {
    uint64_t counts[BUCKETS];
    uint64_t total;
    uint64_t longest;
} Durations;

static inline uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void durations_clear(Durations *all) { memset(all, 0, sizeof *all); }

static inline void durations_add(Durations *all, uint64_t ns) {
    unsigned bucket = (unsigned)ns;
    if (ns >= FINE) {
        unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - FINE_BITS;
        bucket = (shift + 1) * FINE + (unsigned)((ns >> shift) - FINE);
    }
    all->counts[bucket]++;
    all->total++;
    if (ns > all->longest) all->longest = ns;
}

// The smallest duration, to the width of a bucket, that this share (0 to 1) does not exceed; 0 where there are none.
static inline uint64_t durations_at(const Durations *all, double share) {
    uint64_t counted = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        counted += all->counts[bucket];
        if (counted && (double)counted >= share * (double)all->total) {
            if (bucket < FINE) return bucket;
            return (uint64_t)(FINE + bucket % FINE) << (bucket / FINE - 1);
        }
    }
    return 0;
}
#endif
