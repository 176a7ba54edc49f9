// What the library offers, as plain C functions: for each instruction set a table of these.
#pragma once

#include <cstdint>

enum Precision { FP32 = 0, FP64 = 1, BF16 = 2 };

struct Entries {
    long (*product_space)(int precision, long columns, long k, int threads);
    void (*product)(int precision, long rows, long columns, long k, const void *a, long a_row, long a_k, const void *b,
                    long b_column, long b_k, void *c, long c_row, const void *bias, void *space, int threads);
    long (*recurrence_space)(int precision, long rows, long hidden, int threads);
    void (*forward)(int precision, long time, long rows, long hidden, void *gates, const void *table,
                    const int64_t *tokens, const void *weight, void *hiddens, void *cells, void *space, int threads);
    void (*backward)(int precision, long time, long rows, long hidden, void *gates, const void *cells,
                     const void *weight, const void *d_hiddens, void *d_hidden, void *d_cell, void *d_bias,
                     void *d_table, const int64_t *tokens, void *space, int threads);
    long (*stack_bytes)(int precision, long layers, long hidden, long vocabulary);
    void (*pack_matrix)(int precision, long layers, long hidden, long vocabulary, void *packed, long which,
                        const void *weight);
    long (*step_space)(int precision, long layers, long rows, long hidden, long vocabulary, int threads);
    void (*step)(int precision, long layers, long rows, long hidden, long vocabulary, const void *packed,
                 const int64_t *tokens, const void *table, const void *biases, const void *head_bias, void *hiddens,
                 void *cells, void *logits, void *space, int threads);
};

namespace portable { extern const Entries entries; }
namespace avx2 { extern const Entries entries; }
namespace avx512 { extern const Entries entries; }
namespace avx512bf16 { extern const Entries entries; }
