// The doors of the library, and the choice among instruction sets while it runs.
#include "entries.hpp"

static const Entries *const TABLES[] = {
    &portable::entries,
#if defined(__x86_64__)
    &avx2::entries,
    &avx512::entries,
    &avx512bf16::entries,
#endif
};

#define OFFERED extern "C" __attribute__((visibility("default")))

// The best instruction set that this processor has: its place in TABLES.
OFFERED int musicexp_best() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx512f = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (avx512f && __builtin_cpu_supports("avx512bf16")) return 3;
    if (avx512f) return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
    return 0;
}

OFFERED const Entries *musicexp_entries(int instruction_set) { return TABLES[instruction_set]; }
