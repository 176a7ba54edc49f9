// Matrix products of packed operands.
//
// Shapes: rows m of A in panels [K / KU][rows of the panel], columns n of B in panels [K / KU][WIDTH];
// K is filled up with zeros to a multiple of KU, columns to a multiple of WIDTH.
#pragma once

#include <algorithm>

#include "arithmetic.hpp"
#include "threads.hpp"

namespace INSTRUCTION_SET {

constexpr int VECTORS = 2;                          // vectors in a panel of B
constexpr int REGISTERS = BYTES == 64 ? 24 : 12;    // accumulators that leave room for the operands
constexpr int ROWS = REGISTERS / VECTORS;           // rows of A in a full panel
constexpr long SLICE = 256;                         // elements of k in one pass: a panel of B stays in the L1 cache

template <class P>
constexpr int WIDTH = VECTORS *VectorOf<typename P::Real>::LANES;

template <class P>
inline long packed_k(long k) {
    return (k + P::KU - 1) / P::KU;
}

inline long ceil_div(long a, long b) { return (a + b - 1) / b; }

// Rows are dealt to panels evenly: 16 rows are 6 + 5 + 5, for a panel of few rows keeps the multipliers waiting.
struct RowPanels {
    long rows, panels;
    explicit RowPanels(long rows) : rows(rows), panels(ceil_div(rows, ROWS)) {}
    long begin(long panel) const { return panel * (rows / panels) + std::min(panel, rows % panels); }
    long panel_of(long row) const {
        const long small = rows / panels, wide = rows % panels;
        return row < wide * (small + 1) ? row / (small + 1) : wide + (row - wide * (small + 1)) / small;
    }
};

// sums[m][p * WIDTH + n] += a[m] . b[p][n] for M rows and N panels of B that lie `stride` apart.
template <class P, int M, int N>
inline void block(long k, const typename P::Element *a, const typename P::Element *b, long stride,
                  typename P::Real *sums, long sums_stride, long panel_stride) {
    using V = typename P::Vector;
    constexpr int LANES = VectorOf<typename P::Real>::LANES;
    V acc[M][N * VECTORS];
#pragma GCC unroll 24
    for (int m = 0; m < M; m++)
#pragma GCC unroll 8
        for (int v = 0; v < N * VECTORS; v++)
            acc[m][v] = *reinterpret_cast<const V *>(sums + m * sums_stride + (v / VECTORS) * panel_stride +
                                                     (v % VECTORS) * LANES);
    for (long i = 0; i < k; i++) {
#pragma GCC unroll 24
        for (int m = 0; m < M; m++)
#pragma GCC unroll 8
            for (int v = 0; v < N * VECTORS; v++)
                acc[m][v] = P::multiply_add(acc[m][v], a + m, b + (v / VECTORS) * stride + (v % VECTORS) * LANES);
        a += M;
        b += WIDTH<P>;
    }
#pragma GCC unroll 24
    for (int m = 0; m < M; m++)
#pragma GCC unroll 8
        for (int v = 0; v < N * VECTORS; v++)
            *reinterpret_cast<V *>(sums + m * sums_stride + (v / VECTORS) * panel_stride + (v % VECTORS) * LANES) =
                acc[m][v];
}

// The same for any number of rows, and N panels taken together as far as the registers go.
template <class P, int M>
inline void rows_block(long k, const typename P::Element *a, const typename P::Element *b, long stride, int panels,
                       typename P::Real *sums, long sums_stride, long panel_stride) {
    constexpr int FIT = std::max(1, REGISTERS / (M * VECTORS));
    constexpr int TOGETHER = FIT >= 4 ? 4 : FIT >= 2 ? 2 : 1;
    int p = 0;
    for (; p + TOGETHER <= panels; p += TOGETHER)
        block<P, M, TOGETHER>(k, a, b + p * stride, stride, sums + p * panel_stride, sums_stride, panel_stride);
    for (; p < panels; p++)
        block<P, M, 1>(k, a, b + p * stride, stride, sums + p * panel_stride, sums_stride, panel_stride);
}

template <class P>
INLINE void any_rows_block(long rows, long k, const typename P::Element *a, const typename P::Element *b, long stride,
                           int panels, typename P::Real *sums, long sums_stride, long panel_stride) {
    switch (rows) {
#define CASE(M)                                                                                   \
    case M:                                                                                       \
        if constexpr (M <= ROWS)                                                                  \
            return rows_block<P, M>(k, a, b, stride, panels, sums, sums_stride, panel_stride);    \
        break;
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#undef CASE
    }
}

// One panel of `width` columns: out[k][column] = from[column * across + k * along], zeros behind the last column.
template <class P>
inline void pack_panel(const typename P::Real *from, long across, long along, long columns, long k, int width,
                       typename P::Element *out) {
    using Half = typename P::Half;
    using V = typename P::Vector;
    constexpr int LANES = VectorOf<typename P::Real>::LANES;
    const long ks = packed_k<P>(k) * P::KU;
    Half *halves = reinterpret_cast<Half *>(out);
    if (columns < width || ks > k) std::fill(halves, halves + ks * width, Half{});
    if (P::KU == 1 && across == 1 && columns == width && width % LANES == 0) {
        for (long at = 0; at < k; at++)
            for (int v = 0; v < width; v += LANES)
                *reinterpret_cast<V *>(halves + at * width + v) = *reinterpret_cast<const V *>(from + at * along + v);
        return;
    }
    if (P::KU == 1 && across == 1 && columns == width && width <= LANES && 2 * width >= LANES && along >= LANES && k > 1) {
        // A vector is wider than the panel: what is too much is written over by the next k, but for the last.
        for (long at = 0; at < k - 1; at++)
            *reinterpret_cast<V *>(halves + at * width) = *reinterpret_cast<const V *>(from + at * along);
        for (long column = 0; column < columns; column++)
            halves[(k - 1) * width + column] = P::half(from[(k - 1) * along + column]);
        return;
    }
    const auto write = [&](long at, long column, typename P::Real value) {
        halves[((at / P::KU) * width + column) * P::KU + at % P::KU] = P::half(value);
    };
    if (across == 1) {
        for (long at = 0; at < k; at++)
            for (long column = 0; column < columns; column++) write(at, column, from[at * along + column]);
    } else {
        constexpr long TILE = 16;  // of k at a time, so that the lines written stay in the cache
        for (long first = 0; first < k; first += TILE) {
            const long many = std::min(TILE, k - first);
            for (long column = 0; column < columns; column++) {
                const typename P::Real *read = from + column * across + first * along;
                for (long at = 0; at < many; at++) write(first + at, column, read[at * along]);
            }
        }
    }
}

template <class P>
struct Product {
    long rows, columns, k;
    const typename P::Real *a;
    long a_row, a_k;
    const typename P::Real *b;
    long b_column, b_k;
    typename P::Real *c;      // [rows, columns], rows c_row apart
    long c_row;
    const typename P::Real *bias;  // [columns] or null: what the sums begin with
    void *space;
    int threads;
};

constexpr long CHUNK = 12 * ROWS;  // rows of A that are packed together and stay in the L2 cache
constexpr long PASS = 384;         // elements of k in one pass of a large product

template <class P>
inline long product_space(long columns, long k, int threads) {
    const long slice = std::min(packed_k<P>(k), PASS);
    const long b = ceil_div(columns, WIDTH<P>) * WIDTH<P> * slice;
    return static_cast<long>(sizeof(typename P::Element)) * (b + threads * CHUNK * slice) + 4096 +
           static_cast<long>(sizeof(typename P::Real)) * threads * ROWS * WIDTH<P>;
}

template <class P>
void multiply(const Product<P> &product) {
    using Element = typename P::Element;
    using Real = typename P::Real;
    using V = typename P::Vector;
    constexpr int width = WIDTH<P>, LANES = VectorOf<Real>::LANES;
    const long all_k = packed_k<P>(product.k), panels = ceil_div(product.columns, width);
    const long slice = std::min(all_k, PASS);
    Element *b = aligned<Element>(product.space);
    Element *a_space = b + panels * width * slice;
    Real *edge_space = reinterpret_cast<Real *>(a_space + product.threads * CHUNK * slice);
    // As many chunks for every thread; within a chunk the panels share the rows evenly.
    const long wanted = ceil_div(ceil_div(product.rows, CHUNK), product.threads) * product.threads;
    const long chunk = ceil_div(product.rows, wanted), chunks = ceil_div(product.rows, chunk);
    parallel(product.threads, [&](Team &team) {
        Element *a = a_space + team.member * CHUNK * slice;
        Real *edge = edge_space + team.member * ROWS * width;
        for (long first = 0; first < all_k; first += slice) {
            const long ks = std::min(slice, all_k - first);
            const long values = std::min(ks * P::KU, product.k - first * P::KU);
            const long k0 = first * P::KU;
            for (long p = team.member; p < panels; p += team.size)
                pack_panel<P>(product.b + p * width * product.b_column + k0 * product.b_k, product.b_column, product.b_k,
                              std::min<long>(width, product.columns - p * width), values, width,
                              b + p * width * slice);
            team.barrier();
            for (long c = team.member; c < chunks; c += team.size) {
                const long row0 = c * chunk, rows = std::min(chunk, product.rows - row0);
                const RowPanels split(rows);
                for (long q = 0; q < split.panels; q++) {
                    const long begin = split.begin(q), many = split.begin(q + 1) - begin;
                    pack_panel<P>(product.a + (row0 + begin) * product.a_row + k0 * product.a_k, product.a_row,
                                  product.a_k, many, values, static_cast<int>(many), a + begin * ks);
                }
                for (long p = 0; p < panels; p++) {
                    const long columns = std::min<long>(width, product.columns - p * width);
                    Real begin_with[width] = {};
                    if (product.bias) std::copy(product.bias + p * width, product.bias + p * width + columns, begin_with);
                    for (long q = 0; q < split.panels; q++) {
                        const long begin = split.begin(q), many = split.begin(q + 1) - begin;
                        Real *to = product.c + (row0 + begin) * product.c_row + p * width;
                        const bool whole = columns == width;
                        Real *sums = whole ? to : edge;
                        const long stride = whole ? product.c_row : width;
                        if (first) {
                            if (!whole)
                                for (long m = 0; m < many; m++)
                                    std::copy(to + m * product.c_row, to + m * product.c_row + columns, edge + m * width);
                        } else {
                            for (long m = 0; m < many; m++)
                                for (int v = 0; v < width; v += LANES)
                                    *reinterpret_cast<V *>(sums + m * stride + v) = *reinterpret_cast<V *>(begin_with + v);
                        }
                        any_rows_block<P>(many, ks, a + begin * ks, b + p * width * slice, 0, 1, sums, stride, 0);
                        if (!whole)
                            for (long m = 0; m < many; m++)
                                std::copy(edge + m * width, edge + m * width + columns, to + m * product.c_row);
                    }
                }
            }
            team.barrier();
        }
    });
}

}  // namespace INSTRUCTION_SET
