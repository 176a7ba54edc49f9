// The kernels of one instruction set (INSTRUCTION_SET, VECTOR_BYTES and the compiler's flags say which).
#include "entries.hpp"
#include "steps.hpp"

namespace INSTRUCTION_SET {

template <class Work>
auto with(int precision, Work work) {
    switch (precision) {
        case FP64: return work(F64{});
        case BF16: return work(Bf16{});
        default: return work(F32{});
    }
}

template <class P>
using In = const typename P::Real *;
template <class P>
using Out = typename P::Real *;

static long product_space_of(int precision, long columns, long k, int threads) {
    return with(precision, [&](auto p) { return product_space<decltype(p)>(columns, k, threads); });
}

static void product(int precision, long rows, long columns, long k, const void *a, long a_row, long a_k, const void *b,
                    long b_column, long b_k, void *c, long c_row, const void *bias, void *space, int threads) {
    with(precision, [&](auto p) {
        using P = decltype(p);
        multiply<P>({rows, columns, k, In<P>(a), a_row, a_k, In<P>(b), b_column, b_k, Out<P>(c), c_row, In<P>(bias), space,
                     threads});
    });
}

static long recurrence_space_of(int precision, long rows, long hidden, int threads) {
    return with(precision, [&](auto p) { return recurrence_space<decltype(p)>(rows, hidden, threads); });
}

static void forward_of(int precision, long time, long rows, long hidden, void *gates, const void *table,
                       const int64_t *tokens, const void *weight, void *hiddens, void *cells, void *space, int threads) {
    with(precision, [&](auto p) {
        using P = decltype(p);
        forward<P>({time, rows, hidden, Out<P>(gates), In<P>(table), tokens, In<P>(weight), Out<P>(hiddens),
                    Out<P>(cells), space, threads});
    });
}

static void backward_of(int precision, long time, long rows, long hidden, void *gates, const void *cells,
                        const void *weight, const void *d_hiddens, void *d_hidden, void *d_cell, void *d_bias,
                        void *d_table, const int64_t *tokens, void *space, int threads) {
    with(precision, [&](auto p) {
        using P = decltype(p);
        backward<P>({time, rows, hidden, Out<P>(gates), In<P>(cells), In<P>(weight), In<P>(d_hiddens), Out<P>(d_hidden),
                     Out<P>(d_cell), Out<P>(d_bias), Out<P>(d_table), tokens, space, threads});
    });
}

static long stack_bytes(int precision, long layers, long hidden, long vocabulary) {
    return with(precision, [&](auto p) { return Stack<decltype(p)>{layers, hidden, vocabulary, nullptr}.bytes(); });
}

static void pack_matrix(int precision, long layers, long hidden, long vocabulary, void *packed, long which,
                        const void *weight) {
    with(precision, [&](auto p) {
        using P = decltype(p);
        const Stack<P> stack{layers, hidden, vocabulary, static_cast<typename P::Element *>(packed)};
        if (which == 2 * layers - 1)
            stack.pack_head(In<P>(weight));
        else
            stack.pack_matrix(In<P>(weight), stack.packed + which * stack.matrix());
    });
}

static long step_space_of(int precision, long layers, long rows, long hidden, long vocabulary, int threads) {
    return with(precision, [&](auto p) {
        return step_space<decltype(p)>({layers, hidden, vocabulary, nullptr}, rows, threads);
    });
}

static void step_of(int precision, long layers, long rows, long hidden, long vocabulary, const void *packed,
                    const int64_t *tokens, const void *table, const void *biases, const void *head_bias, void *hiddens,
                    void *cells, void *logits, void *space, int threads) {
    with(precision, [&](auto p) {
        using P = decltype(p);
        using E = typename P::Element;
        step<P>({{layers, hidden, vocabulary, const_cast<E *>(static_cast<const E *>(packed))}, rows, tokens,
                 In<P>(table), In<P>(biases), In<P>(head_bias), Out<P>(hiddens), Out<P>(cells), Out<P>(logits), space,
                 threads});
    });
}

extern const Entries entries = {product_space_of, product,     recurrence_space_of, forward_of, backward_of,
                                stack_bytes,      pack_matrix, step_space_of,       step_of};

}  // namespace INSTRUCTION_SET
