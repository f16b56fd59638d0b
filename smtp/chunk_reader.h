// Chunks of BDAT → content (RFC 3030). Chunks are counted, so nothing in them ends the data and no dot is stuffed; but content
// is text whose lines end with CRLF (RFC 5321 §2.3.8), and a next hop without CHUNKING gets it by DATA: a CR or LF on its own
// is as dangerous here as there. A line may be cut anywhere, between its CR and LF too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::smtp {

// What BDAT said.
struct ChunkArgument {
  std::uint64_t octets = 0;  // UINT64_MAX also for a number beyond 64 bits
  bool is_last = false;
};

// "size" or "size LAST" (RFC 3030 §2, 1 to 20 digits). nullopt: where the next command begins cannot be known.
std::optional<ChunkArgument> parse_chunk_argument(std::string_view argument);

// The state of one message's content over all its chunks.
class ChunkReader {
 public:
  // Looks at the next octets of the content. Returns false at a CR or LF on its own; then it is not called again.
  [[nodiscard]] bool read(std::string_view octets);

  std::uint64_t octets() const { return octets_; }  // so far
  bool has_nul() const { return has_nul_; }
  bool has_long_line() const { return has_long_line_; }
  // The last octet was a CR: an LF must follow.
  bool ends_in_cr() const { return ends_in_cr_; }
  // Nothing came yet, or the last line is complete.
  bool is_at_line_start() const { return line_octets_ == 0 && !ends_in_cr_; }

 private:
  void add_to_line(std::size_t octets);

  std::uint64_t octets_ = 0;
  std::size_t line_octets_ = 0;  // of the line under way
  bool ends_in_cr_ = false;
  bool has_nul_ = false;
  bool has_long_line_ = false;
};

}  // namespace postern::smtp
