// What the fuzz targets share: what a target is, a check that stays on, and how an input is taken apart.
#pragma once

#include "core/check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::fuzz {

// The first octet, taken off; 0 of an input that is used up.
inline std::uint8_t take_octet(std::string_view& input) {
  if (input.empty()) return 0;
  const auto octet = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return octet;
}

// Up to the next LF, which is taken off and left out; the rest where there is none.
inline std::string_view take_line(std::string_view& input) {
  const std::size_t lf = input.find('\n');
  const std::string_view line = input.substr(0, lf);
  input.remove_prefix(lf == std::string_view::npos ? input.size() : lf + 1);
  return line;
}

}  // namespace postern::fuzz

// POSTERN_FUZZ(name) { … input … }: a target, which constructs the pure object, feeds it and checks what must hold for every input.
// For a fuzzer it is the program's entry; in the tests it is one of a table, and is given its corpus.
#ifdef POSTERN_CORPUS_TEST

namespace postern::fuzz {

struct Target {
  const char* name;
  void (*run)(std::string_view input);
};
// In no order; complete once main() runs.
std::vector<Target>& targets();

struct Registration {
  explicit Registration(Target target) { targets().push_back(target); }
};

}  // namespace postern::fuzz

#define POSTERN_FUZZ(target)                                                  \
  static void run_##target(std::string_view input);                           \
  static const Registration kRegistered_##target({#target, &run_##target});   \
  static void run_##target(std::string_view input)

#else

#define POSTERN_FUZZ(target)                                                            \
  static void run_##target(std::string_view input);                                     \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {   \
    run_##target({reinterpret_cast<const char*>(data), size});                          \
    return 0;                                                                           \
  }                                                                                     \
  static void run_##target(std::string_view input)

#endif
