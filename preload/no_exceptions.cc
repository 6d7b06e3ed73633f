// no_exceptions.cc - what the C++ library would call where it throws: a trap, and no libstdc++.
//
// Only string_view::substr refers to it, with positions that were just found in the text.
namespace std {

[[noreturn, gnu::visibility("hidden")]] void __throw_out_of_range_fmt(const char*, ...) {
  __builtin_trap();
}

}  // namespace std
