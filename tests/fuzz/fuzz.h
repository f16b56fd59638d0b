// What the fuzz targets share: the entry point's shape, and a check that stays on.
#pragma once

#include "core/check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::fuzz {

// A target: constructs the pure object, feeds it, checks what must hold for every input.
void run(std::string_view input);

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
