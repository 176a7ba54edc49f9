// Vectors, packed elements and activations: what the kernels are written in.
//
// Everything is written with the compiler's portable vectors, so that one text serves every instruction set;
// only the bf16 dot product has an instruction of its own. A translation unit is compiled once for each
// instruction set with VECTOR_BYTES set; its names stay in its own namespace.
#pragma once

#define INLINE inline __attribute__((always_inline))

#include <cmath>
#include <cstdint>
#include <cstring>
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace INSTRUCTION_SET {

constexpr int BYTES = VECTOR_BYTES;

template <class Real>
struct VectorOf {
    typedef Real type __attribute__((vector_size(BYTES), aligned(sizeof(Real)), may_alias));
    static constexpr int LANES = BYTES / sizeof(Real);
};

// How a product is computed. Real: accumulators and everything outside of products. Element: what packed
// operands hold, KU consecutive values of k in one. Every sum over k runs in the order of k, whatever the
// shape of the block around it: that is why a row's result does not depend on how many rows there are.
template <class R>
struct Plain {
    using Real = R;
    using Element = R;
    using Half = R;  // the unit in which one value of k is written
    static constexpr int KU = 1;
    using Vector = typename VectorOf<R>::type;
    static INLINE Half half(R value) { return value; }
    static INLINE Vector multiply_add(Vector sum, const Element *a, const Element *b) {
        return sum + *a * *reinterpret_cast<const Vector *>(b);
    }
};

// bf16 operands, fp32 sums. Without the instruction the same products are made in fp32, in its order: equal but for
// subnormal numbers, which the instruction takes for zero.
struct Bf16 {
    using Real = float;
    using Element = uint32_t;  // two bf16: the even k in the low half
    using Half = uint16_t;
    static constexpr int KU = 2;
    using Vector = VectorOf<float>::type;
    using Bits = VectorOf<uint32_t>::type;
    static INLINE Half half(float value) {
        uint32_t bits;
        std::memcpy(&bits, &value, 4);
        if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;  // not a number stays one
        return static_cast<Half>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
    }
    static INLINE Vector multiply_add(Vector sum, const Element *a, const Element *b) {
#if defined(__AVX512BF16__)
        const __m512i pairs = _mm512_set1_epi32(static_cast<int>(*a));
        const __m512i weights = _mm512_loadu_si512(b);
        return reinterpret_cast<Vector>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sum),
                                                         reinterpret_cast<__m512bh>(pairs),
                                                         reinterpret_cast<__m512bh>(weights)));
#else
        const Bits x = *a - Bits{}, y = *reinterpret_cast<const Bits *>(b);
        sum += reinterpret_cast<Vector>(x & 0xffff0000u) * reinterpret_cast<Vector>(y & 0xffff0000u);
        return sum + reinterpret_cast<Vector>(x << 16) * reinterpret_cast<Vector>(y << 16);
#endif
    }
};

using F32 = Plain<float>;
using F64 = Plain<double>;

// tanh in fp32: a quotient of odd and even polynomials (Eigen's coefficients), within 4e-7 everywhere, and
// cheaper than by way of exp; behind 7.9 the result is +-1 to the last bit but two.
INLINE VectorOf<float>::type hyperbolic_tangent(VectorOf<float>::type x) {
    using V = VectorOf<float>::type;
    constexpr float END = 7.90531110763549805f;
    x = x < -END ? -END - V{} : x;
    x = x > END ? END - V{} : x;
    const V s = x * x;
    V p = s * -2.76076847742355e-16f + 2.00018790482477e-13f;
    p = p * s + -8.60467152213735e-11f;
    p = p * s + 5.12229709037114e-08f;
    p = p * s + 1.48572235717979e-05f;
    p = p * s + 6.37261928875436e-04f;
    p = p * s + 4.89352455891786e-03f;
    V q = s * 1.19825839466702e-06f + 1.18534705686654e-04f;
    q = q * s + 2.26843463243900e-03f;
    q = q * s + 4.89352518554385e-03f;
    return x * p / q;
}

inline VectorOf<double>::type hyperbolic_tangent(VectorOf<double>::type x) {
    for (int lane = 0; lane < VectorOf<double>::LANES; lane++) x[lane] = std::tanh(x[lane]);
    return x;
}

template <class V>
INLINE V sigmoid(V x) {
    const auto half = decltype(x[0] + x[0]){0.5};
    return half + half * hyperbolic_tangent(half * x);
}

}  // namespace INSTRUCTION_SET
