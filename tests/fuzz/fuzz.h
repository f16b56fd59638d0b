// What the fuzz targets share: the entry point's shape, a check that stays on, and how an input is taken apart.
#pragma once

#include "core/check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::fuzz {

// A target: constructs the pure object, feeds it, checks what must hold for every input.
void run(std::string_view input);

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

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
