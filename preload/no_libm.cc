// no_libm.cc - the three functions of libm that jemalloc's heap profiler refers to.
//
// Loading libm costs every exec some 0.1 ms, and nothing but the profiler (off by default)
// calls them. The x87 has them in hardware: 64 bits of mantissa, rounded once to double.
#pragma GCC visibility push(hidden)
extern "C" {

double log(double x) {
  long double result = 0;
  __asm__("fldln2\n\tfxch\n\tfyl2x" : "=t"(result) : "0"(static_cast<long double>(x)) : "st(1)");
  return static_cast<double>(result);
}

double round(double x) {
  constexpr double kNoFraction = 4503599627370496.0;  // 2^52: from here on every double is whole
  if (!(x > -kNoFraction && x < kNoFraction)) {
    return x;
  }
  const auto whole = static_cast<double>(static_cast<long long>(x));
  const double rest = x - whole;
  return rest >= 0.5 ? whole + 1 : rest <= -0.5 ? whole - 1 : whole;
}

// e^x = 2^(x log2 e): the whole part by scaling, the fraction by f2xm1.
double exp(double x) {
  long double result = 0;
  __asm__(
      "fldl2e\n\tfmulp\n\t"
      "fld %%st(0)\n\tfrndint\n\tfsubr %%st(0), %%st(1)\n\tfxch\n\t"
      "f2xm1\n\tfld1\n\tfaddp\n\tfscale\n\tfstp %%st(1)"
      : "=t"(result)
      : "0"(static_cast<long double>(x))
      : "st(1)", "st(2)", "st(3)");
  return static_cast<double>(result);
}
}
#pragma GCC visibility pop
