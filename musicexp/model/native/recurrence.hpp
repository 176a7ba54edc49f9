// One LSTM layer over time: forward, backward through time, and single steps of a whole stack for sampling.
//
// Shapes: T time, B rows, H hidden size; gates [T, B, 4, H] in torch.nn.LSTM's order i, f, g, o. A block is
// WIDTH hidden units with all that belongs to them: each thread owns blocks, so that in a time step the team
// meets once, when every hidden value of that step is there.
#pragma once

#include <vector>

#include "products.hpp"

namespace INSTRUCTION_SET {

template <class P>
struct Forward {
    long time, rows, hidden;
    typename P::Real *gates;         // [T, B, 4H]: in, what comes from the inputs and biases; out, activations
    const typename P::Real *table;   // [V, 4H] or null: what comes from the inputs, by token
    const int64_t *tokens;           // [T, B], with the table
    const typename P::Real *weight;  // [4H, H]
    typename P::Real *hiddens;       // [T + 1, B, H], the first given
    typename P::Real *cells;         // [T + 1, B, H], the first given
    void *space;
    int threads;
};

template <class P>
struct Backward {
    long time, rows, hidden;
    typename P::Real *gates;             // [T, B, 4H]: in, activations; out, gradients before activation
    const typename P::Real *cells;       // [T + 1, B, H]
    const typename P::Real *weight;      // [4H, H]
    const typename P::Real *d_hiddens;   // [T, B, H]
    typename P::Real *d_hidden;          // [B, H]: in, of the last hidden; out, of the first
    typename P::Real *d_cell;            // [B, H]: the same of the cells
    typename P::Real *d_bias;            // [4H] or null; zeros on entry
    typename P::Real *d_table;           // [V, 4H] or null; zeros on entry
    const int64_t *tokens;               // [T, B], with d_table
    void *space;
    int threads;
};

template <class P>
struct Blocks {
    static constexpr int width = WIDTH<P>;
    long hidden, count;
    explicit Blocks(long hidden) : hidden(hidden), count(ceil_div(hidden, width)) {}
    long units(long block) const { return std::min<long>(width, hidden - block * width); }
};

// Copies the units of a block: nearly always all of them, and then in vectors.
template <class P>
INLINE void copy_units(const typename P::Real *from, long units, typename P::Real *to) {
    using V = typename P::Vector;
    constexpr int LANES = VectorOf<typename P::Real>::LANES;
    if (units == WIDTH<P>)
        for (int v = 0; v < WIDTH<P>; v += LANES) *reinterpret_cast<V *>(to + v) = *reinterpret_cast<const V *>(from + v);
    else
        for (long n = 0; n < units; n++) to[n] = from[n];
}

template <class P>
INLINE void add_units(const typename P::Real *from, long units, typename P::Real *to) {
    using V = typename P::Vector;
    constexpr int LANES = VectorOf<typename P::Real>::LANES;
    if (units == WIDTH<P>)
        for (int v = 0; v < WIDTH<P>; v += LANES) *reinterpret_cast<V *>(to + v) += *reinterpret_cast<const V *>(from + v);
    else
        for (long n = 0; n < units; n++) to[n] += from[n];
}

// Where a row of A lies in its panels; worked out once, for it costs divisions.
struct RowPlace {
    long begin, wide, within;  // the panel's first row, its rows, the row in it
};

inline std::vector<RowPlace> row_places(const RowPanels &split) {
    std::vector<RowPlace> places;
    for (long q = 0; q < split.panels; q++)
        for (long row = split.begin(q); row < split.begin(q + 1); row++)
            places.push_back({split.begin(q), split.begin(q + 1) - split.begin(q), row - split.begin(q)});
    return places;
}

// Writes values first ... first + many of a row's k into panels of A with k packed elements.
template <class P>
INLINE void write_row(typename P::Element *panels, long k, const RowPlace &place, long first,
                      const typename P::Real *values, long many) {
    typename P::Half *out = reinterpret_cast<typename P::Half *>(panels + place.begin * k + place.within);
    const long wide = place.wide;
    if (P::KU == 1 && many == WIDTH<P>)
        for (long i = 0; i < WIDTH<P>; i++) out[(first + i) * wide] = P::half(values[i]);
    else
        for (long i = 0; i < many; i++) {
            const long at = first + i;
            out[(at / P::KU) * wide * P::KU + at % P::KU] = P::half(values[i]);
        }
}

template <class P>
inline long recurrence_space(long rows, long hidden, int threads) {
    const Blocks<P> blocks(hidden);
    const long k = packed_k<P>(4 * hidden) + 4;
    const long elements = blocks.count * 4 * k * WIDTH<P> + 2 * rows * k;
    const long reals = threads * 4 * rows * WIDTH<P> + 2 * blocks.count * rows * WIDTH<P>;
    return elements * static_cast<long>(sizeof(typename P::Element)) +
           reals * static_cast<long>(sizeof(typename P::Real)) + 4096;
}

// The rows of a weight [4H, H] that belong to some blocks: panels [block][gate][K / KU][WIDTH].
template <class P>
inline void pack_gates(const typename P::Real *weight, const Blocks<P> &blocks, long first, long last,
                       typename P::Element *out) {
    const long H = blocks.hidden, k = packed_k<P>(H);
    for (long block = first; block < last; block++)
        for (int gate = 0; gate < 4; gate++)
            pack_panel<P>(weight + (gate * H + block * WIDTH<P>) * H, H, 1, blocks.units(block), H, WIDTH<P>,
                          out + (block * 4 + gate) * k * WIDTH<P>);
}

// sums [panels][B][WIDTH] += A . panels of B. Panels and slices of k in the order in which they lie in memory;
// a slice is read from far away once, and serves all rows from the L1 cache.
template <class P>
inline void all_rows(const RowPanels &split, long k, const typename P::Element *a, const typename P::Element *b,
                     int panels, typename P::Real *sums) {
    constexpr int width = WIDTH<P>;
    const int together = split.rows >= 4 || panels == 1 ? 1 : panels;  // few rows: several panels fill the registers
    for (int p = 0; p < panels; p += together)
        for (long first = 0; first < k; first += SLICE) {
            const long many = std::min(SLICE, k - first);
            for (long q = 0; q < split.panels; q++) {
                const long begin = split.begin(q), rows = split.begin(q + 1) - begin;
                any_rows_block<P>(rows, many, a + begin * k + first * rows, b + (p * k + first) * width, k * width,
                                  together, sums + (p * split.rows + begin) * width, width, split.rows * width);
            }
        }
}

// Gates i, f, g, o of a block's units before activation, `apart` from each other -> activations in `gates`, new
// cells and hiddens. What is not a whole block goes by way of buffers of a whole one.
template <class P>
INLINE void activate(const typename P::Real *before, long apart, typename P::Real *gates, long gates_apart,
                     const typename P::Real *cell, typename P::Real *new_cell, typename P::Real *hidden) {
    using V = typename P::Vector;
    constexpr int LANES = VectorOf<typename P::Real>::LANES;
    for (int v = 0; v < WIDTH<P>; v += LANES) {
        const auto in = [v](const typename P::Real *from) { return *reinterpret_cast<const V *>(from + v); };
        const auto out = [v](typename P::Real *to) -> V & { return *reinterpret_cast<V *>(to + v); };
        const V i = sigmoid(in(before)), f = sigmoid(in(before + apart));
        const V g = hyperbolic_tangent(in(before + 2 * apart)), o = sigmoid(in(before + 3 * apart));
        const V c = f * in(cell) + i * g;
        out(gates) = i;
        out(gates + gates_apart) = f;
        out(gates + 2 * gates_apart) = g;
        out(gates + 3 * gates_apart) = o;
        out(new_cell) = c;
        out(hidden) = o * hyperbolic_tangent(c);
    }
}

template <class P>
INLINE void activate_units(const typename P::Real *before, long apart, long units, typename P::Real *gates,
                           long gates_apart, const typename P::Real *cell, typename P::Real *new_cell,
                           typename P::Real *hidden) {
    using Real = typename P::Real;
    if (units == WIDTH<P>) return activate<P>(before, apart, gates, gates_apart, cell, new_cell, hidden);
    constexpr int width = WIDTH<P>;
    Real gate[4 * width], old[width] = {}, fresh[width], out[width];
    copy_units<P>(cell, units, old);
    activate<P>(before, apart, gate, width, old, fresh, out);
    for (int g = 0; g < 4; g++) copy_units<P>(gate + g * width, units, gates + g * gates_apart);
    copy_units<P>(fresh, units, new_cell);
    copy_units<P>(out, units, hidden);
}

// The same backwards: activations in `gates` become gradients before activation; `d_hidden` holds what came from
// the step behind and becomes zero, `d_cell` goes on to the step before.
template <class P>
INLINE void differentiate(typename P::Real *gates, long apart, const typename P::Real *before,
                          const typename P::Real *after, const typename P::Real *from_above,
                          typename P::Real *d_hidden, typename P::Real *d_cell) {
    using V = typename P::Vector;
    constexpr int LANES = VectorOf<typename P::Real>::LANES;
    for (int v = 0; v < WIDTH<P>; v += LANES) {
        const auto in = [v](const typename P::Real *from) { return *reinterpret_cast<const V *>(from + v); };
        const auto out = [v](typename P::Real *to) -> V & { return *reinterpret_cast<V *>(to + v); };
        const V i = in(gates), f = in(gates + apart), g = in(gates + 2 * apart), o = in(gates + 3 * apart);
        const V tanh_cell = hyperbolic_tangent(in(after));
        const V dh = in(from_above) + in(d_hidden);
        const V dc = in(d_cell) + dh * o * (1 - tanh_cell * tanh_cell);
        out(gates) = dc * g * i * (1 - i);
        out(gates + apart) = dc * in(before) * f * (1 - f);
        out(gates + 2 * apart) = dc * i * (1 - g * g);
        out(gates + 3 * apart) = dh * tanh_cell * o * (1 - o);
        out(d_cell) = dc * f;
        out(d_hidden) = V{};
    }
}

template <class P>
void forward(const Forward<P> &task) {
    using Real = typename P::Real;
    using Element = typename P::Element;
    constexpr int width = WIDTH<P>;
    const Blocks<P> blocks(task.hidden);
    const RowPanels split(task.rows);
    const std::vector<RowPlace> places = row_places(split);
    const long B = task.rows, H = task.hidden, k = packed_k<P>(H);
    Element *weights = aligned<Element>(task.space);
    Element *panels[2] = {weights + blocks.count * 4 * k * width, nullptr};
    panels[1] = panels[0] + B * k;
    Real *sums_space = reinterpret_cast<Real *>(panels[1] + B * k);
    parallel(task.threads, [&](Team &team) {
        const long first = team.begin(blocks.count), last = team.end(blocks.count);
        Real *sums = sums_space + team.member * 4 * B * width;
        pack_gates<P>(task.weight, blocks, first, last, weights);
        if (team.member == 0 && P::KU > 1) {  // what fills up k
            std::fill(panels[0], panels[0] + 2 * B * k, Element{});
        }
        team.barrier();
        for (long block = first; block < last; block++)
            for (long row = 0; row < B; row++)
                write_row<P>(panels[0], k, places[row], block * width, task.hiddens + row * H + block * width,
                             blocks.units(block));
        team.barrier();
        // While one block is computed, what the next begins with comes near.
        const auto fetch_gates = [&](long t, long block) {
            if (t < task.time)
                for (long row = 0; row < B; row++)
                    for (int gate = 0; gate < 4; gate++)
                        __builtin_prefetch(task.gates + ((t * B + row) * 4 + gate) * H + block * width, 1);
        };
        for (long t = 0; t < task.time; t++) {
            for (long block = first; block < last; block++) {
                const long unit = block * width, units = blocks.units(block);
                for (long row = 0; row < B; row++) {
                    const Real *from = (task.table ? task.table + task.tokens[t * B + row] * 4 * H
                                                   : task.gates + (t * B + row) * 4 * H) + unit;
                    for (int gate = 0; gate < 4; gate++) {
                        Real *to = sums + (gate * B + row) * width;
                        copy_units<P>(from + gate * H, units, to);
                        for (long n = units; n < width; n++) to[n] = 0;
                    }
                }
                if (!task.table) fetch_gates(t + (block + 1 == last), block + 1 == last ? first : block + 1);
                all_rows<P>(split, k, panels[t % 2], weights + block * 4 * k * width, 4, sums);
                for (long row = 0; row < B; row++) {
                    const long at = (t * B + row) * H + unit, after = at + B * H;
                    activate_units<P>(sums + row * width, B * width, units, task.gates + (t * B + row) * 4 * H + unit, H,
                                      task.cells + at, task.cells + after, task.hiddens + after);
                    write_row<P>(panels[(t + 1) % 2], k, places[row], unit, task.hiddens + after, units);
                }
            }
            team.barrier();
        }
    });
}

template <class P>
void backward(const Backward<P> &task) {
    using Real = typename P::Real;
    using Element = typename P::Element;
    constexpr int width = WIDTH<P>;
    const Blocks<P> blocks(task.hidden);
    const RowPanels split(task.rows);
    const std::vector<RowPlace> places = row_places(split);
    const long B = task.rows, H = task.hidden, k = packed_k<P>(4 * H);
    Element *weights = aligned<Element>(task.space);
    Element *panels[2] = {weights + blocks.count * k * width, nullptr};
    panels[1] = panels[0] + B * k;
    Real *d_hidden_space = reinterpret_cast<Real *>(panels[1] + B * k);
    Real *d_cell_space = d_hidden_space + blocks.count * B * width;
    parallel(task.threads, [&](Team &team) {
        const long first = team.begin(blocks.count), last = team.end(blocks.count);
        for (long block = first; block < last; block++) {
            const long unit = block * width, units = blocks.units(block);
            pack_panel<P>(task.weight + unit, 1, H, units, 4 * H, width, weights + block * k * width);
            for (long row = 0; row < B; row++)
                for (int n = 0; n < width; n++) {
                    const long at = (block * B + row) * width + n, from = row * H + unit + n;
                    d_hidden_space[at] = n < units ? task.d_hidden[from] : Real{};
                    d_cell_space[at] = n < units ? task.d_cell[from] : Real{};
                }
        }
        const auto fetch = [&](long t, long block) {
            for (long row = 0; row < B; row++) {
                for (int gate = 0; gate < 4; gate++)
                    __builtin_prefetch(task.gates + ((t * B + row) * 4 + gate) * H + block * width, 1);
                __builtin_prefetch(task.cells + (t * B + row) * H + block * width);
                __builtin_prefetch(task.d_hiddens + (t * B + row) * H + block * width);
            }
        };
        for (long t = task.time - 1; t >= 0; t--) {
            for (long block = first; block < last; block++) {
                const long unit = block * width, units = blocks.units(block);
                for (long row = 0; row < B; row++) {
                    const long at = (t * B + row) * H + unit;
                    Real *gates = task.gates + (t * B + row) * 4 * H + unit;
                    Real *d_hidden = d_hidden_space + (block * B + row) * width;
                    Real *d_cell = d_cell_space + (block * B + row) * width;
                    if (units == width) {
                        differentiate<P>(gates, H, task.cells + at, task.cells + at + B * H, task.d_hiddens + at,
                                         d_hidden, d_cell);
                    } else {
                        Real gate[4 * width] = {}, before[width] = {}, after[width] = {}, from_above[width] = {};
                        for (int g = 0; g < 4; g++) copy_units<P>(gates + g * H, units, gate + g * width);
                        copy_units<P>(task.cells + at, units, before);
                        copy_units<P>(task.cells + at + B * H, units, after);
                        copy_units<P>(task.d_hiddens + at, units, from_above);
                        differentiate<P>(gate, width, before, after, from_above, d_hidden, d_cell);
                        for (int g = 0; g < 4; g++) copy_units<P>(gate + g * width, units, gates + g * H);
                    }
                    for (int g = 0; g < 4; g++) {
                        write_row<P>(panels[t % 2], k, places[row], g * H + unit, gates + g * H, units);
                        if (task.d_bias) add_units<P>(gates + g * H, units, task.d_bias + g * H + unit);
                        if (task.d_table)
                            add_units<P>(gates + g * H, units,
                                         task.d_table + (task.tokens[t * B + row] * 4 + g) * H + unit);
                    }
                }
            }
            team.barrier();
            for (long block = first; block < last; block++) {
                if (t > 0) fetch(t - 1, block);
                all_rows<P>(split, k, panels[t % 2], weights + block * k * width, 1, d_hidden_space + block * B * width);
            }
        }
        for (long block = first; block < last; block++)
            for (long row = 0; row < B; row++)
                for (long n = 0; n < blocks.units(block); n++) {
                    const long at = (block * B + row) * width + n, to = row * H + block * width + n;
                    task.d_hidden[to] = d_hidden_space[at];
                    task.d_cell[to] = d_cell_space[at];
                }
    });
}

}  // namespace INSTRUCTION_SET
