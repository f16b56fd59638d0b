// CRC-32C (Castagnoli), the checksum of every record: the processor's instruction where it has one, a table otherwise.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::store {

// Continues from `previous`: crc32c(b, crc32c(a)) is the checksum of a followed by b.
std::uint32_t crc32c(std::string_view octets, std::uint32_t previous = 0);
// The portable way, for tests to compare with.
std::uint32_t crc32c_by_table(std::string_view octets, std::uint32_t previous = 0);

}  // namespace postern::store
