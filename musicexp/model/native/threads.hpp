// A team of threads. With OpenMP it is PyTorch's own pool, for both load the same library: no second set of
// threads competes for the cores. Without OpenMP the team is the caller alone.
#pragma once

#include <atomic>
#include <cstdint>
#if defined(_OPENMP)
#include <omp.h>
#endif

namespace INSTRUCTION_SET {

// Where the members of a team meet, in every time step. OpenMP's own barrier spins for milliseconds when a member was
// put aside for another process, and two runs on one machine then bring each other nearly to rest; this one sleeps
// after some microseconds, and the core is free.
class Meeting {
    alignas(64) std::atomic<int> arrived{0};
    alignas(64) std::atomic<int> round{0};

  public:
    void meet(int members) {
        if (members == 1) return;
        const int now = round.load(std::memory_order_relaxed);
        if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
            arrived.store(0, std::memory_order_relaxed);
            round.store(now + 1, std::memory_order_release);
            round.notify_all();
            return;
        }
        for (int spins = 0; spins < 2000; spins++) {
            if (round.load(std::memory_order_acquire) != now) return;
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
        while (round.load(std::memory_order_acquire) == now) round.wait(now, std::memory_order_acquire);
    }
};

struct Team {
    int member, size;
    Meeting *meeting;
    void barrier() const { meeting->meet(size); }
    // The first and the one behind the last of `many` things that are this member's.
    long begin(long many) const { return many * member / size; }
    long end(long many) const { return many * (member + 1) / size; }
};

template <class Work>
void parallel(int threads, Work work) {
    Meeting meeting;
#if defined(_OPENMP)
#pragma omp parallel num_threads(threads)
    {
        Team team{omp_get_thread_num(), omp_get_num_threads(), &meeting};
        work(team);
    }
#else
    (void)threads;
    Team team{0, 1, &meeting};
    work(team);
#endif
}

// The first address at or behind `space` that begins a cache line.
template <class T>
T *aligned(void *space) {
    return reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(space) + 63) & ~uintptr_t{63});
}

}  // namespace INSTRUCTION_SET
