// One token through a whole stack, for sampling: weights are packed once and serve every step.
//
// Shapes: L layers, B rows, H hidden size, V vocabulary; state [L, B, H].
#pragma once

#include "recurrence.hpp"

namespace INSTRUCTION_SET {

template <class P>
struct Stack {
    long layers, hidden, vocabulary;
    typename P::Element *packed;

    long k() const { return packed_k<P>(hidden); }
    long matrix() const { return Blocks<P>(hidden).count * 4 * k() * WIDTH<P>; }
    long head_panels() const { return ceil_div(vocabulary, WIDTH<P>); }
    // The recurrent weights of each layer, and in front of them, from the second layer on, the input weights.
    typename P::Element *input(long layer) const { return packed + (2 * layer - 1) * matrix(); }
    typename P::Element *recurrent(long layer) const { return packed + 2 * layer * matrix(); }
    typename P::Element *head() const { return packed + (2 * layers - 1) * matrix(); }
    long bytes() const {
        return ((2 * layers - 1) * matrix() + head_panels() * k() * WIDTH<P>) * static_cast<long>(sizeof(typename P::Element));
    }

    void pack_matrix(const typename P::Real *weight, typename P::Element *to) const {
        const Blocks<P> blocks(hidden);
        pack_gates<P>(weight, blocks, 0, blocks.count, to);
    }
    void pack_head(const typename P::Real *weight) const {
        for (long p = 0; p < head_panels(); p++)
            pack_panel<P>(weight + p * WIDTH<P> * hidden, hidden, 1, std::min<long>(WIDTH<P>, vocabulary - p * WIDTH<P>),
                          hidden, WIDTH<P>, head() + p * k() * WIDTH<P>);
    }
};

template <class P>
struct Step {
    Stack<P> stack;
    long rows;
    const int64_t *tokens;            // [B]
    const typename P::Real *table;    // [V, 4H]: the first layer's input and biases, by token
    const typename P::Real *biases;   // [L, 4H]: the sums of both biases; the first layer's are not read
    const typename P::Real *head_bias;  // [V]
    typename P::Real *hiddens, *cells;  // [L, B, H], in and out
    typename P::Real *logits;           // [B, V]
    void *space;
    int threads;
};

template <class P>
inline long step_space(const Stack<P> &stack, long rows, int threads) {
    return (2 * stack.layers + 1) * rows * stack.k() * static_cast<long>(sizeof(typename P::Element)) +
           threads * 4 * rows * WIDTH<P> * static_cast<long>(sizeof(typename P::Real)) + 4096;
}

template <class P>
void step(const Step<P> &task) {
    using Real = typename P::Real;
    using Element = typename P::Element;
    constexpr int width = WIDTH<P>;
    const Stack<P> &stack = task.stack;
    const Blocks<P> blocks(stack.hidden);
    const RowPanels split(task.rows);
    const std::vector<RowPlace> places = row_places(split);
    const long B = task.rows, H = stack.hidden, k = stack.k(), L = stack.layers;
    Element *before = aligned<Element>(task.space);  // packed hiddens of each layer, before and after
    Element *after = before + L * B * k;
    Real *sums_space = reinterpret_cast<Real *>(after + L * B * k);
    parallel(task.threads, [&](Team &team) {
        const long first = team.begin(blocks.count), last = team.end(blocks.count);
        Real *sums = sums_space + team.member * 4 * B * width;
        if (P::KU > 1 && H % P::KU) {
            if (team.member == 0) std::fill(before, before + 2 * L * B * k, Element{});
            team.barrier();
        }
        for (long layer = 0; layer < L; layer++)
            for (long block = first; block < last; block++)
                for (long row = 0; row < B; row++)
                    write_row<P>(before + layer * B * k, k, places[row], block * width,
                                 task.hiddens + (layer * B + row) * H + block * width, blocks.units(block));
        team.barrier();
        for (long layer = 0; layer < L; layer++) {
            for (long block = first; block < last; block++) {
                const long unit = block * width, units = blocks.units(block);
                for (long row = 0; row < B; row++) {
                    const Real *from = (layer ? task.biases + layer * 4 * H : task.table + task.tokens[row] * 4 * H) + unit;
                    for (int gate = 0; gate < 4; gate++) {
                        Real *to = sums + (gate * B + row) * width;
                        copy_units<P>(from + gate * H, units, to);
                        for (long n = units; n < width; n++) to[n] = 0;
                    }
                }
                const long panel = block * 4 * k * width;
                if (layer) all_rows<P>(split, k, after + (layer - 1) * B * k, stack.input(layer) + panel, 4, sums);
                all_rows<P>(split, k, before + layer * B * k, stack.recurrent(layer) + panel, 4, sums);
                for (long row = 0; row < B; row++) {
                    const long at = (layer * B + row) * H + unit;
                    Real *gates = sums + row * width;
                    activate_units<P>(gates, B * width, units, gates, B * width, task.cells + at, task.cells + at,
                                      task.hiddens + at);
                    write_row<P>(after + layer * B * k, k, places[row], unit, task.hiddens + at, units);
                }
            }
            team.barrier();
        }
        const long panels = stack.head_panels();
        for (long p = team.begin(panels); p < team.end(panels); p++) {
            const long columns = std::min<long>(width, stack.vocabulary - p * width);
            for (long row = 0; row < B; row++)
                for (long n = 0; n < width; n++)
                    sums[row * width + n] = n < columns ? task.head_bias[p * width + n] : Real{};
            all_rows<P>(split, k, after + (L - 1) * B * k, stack.head() + p * k * width, 1, sums);
            for (long row = 0; row < B; row++)
                std::copy(sums + row * width, sums + row * width + columns, task.logits + row * stack.vocabulary + p * width);
        }
    });
}

}  // namespace INSTRUCTION_SET
