// Any octets as the content of chunks, whole and cut: the same verdict, and clean content has no CR or LF on its own. The first
// line is read as the argument of BDAT.
#include "smtp/chunk_reader.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>

namespace postern::fuzz {
namespace {

using smtp::ChunkReader;

struct ChunkReading {
  bool is_clean = true;
  ChunkReader reader;
};

ChunkReading read_chunks(std::string_view content, std::size_t piece) {
  ChunkReading reading;
  while (!content.empty() && reading.is_clean) {
    const std::string_view part = content.substr(0, piece);
    reading.is_clean = reading.reader.read(part);
    content.remove_prefix(part.size());
  }
  return reading;
}

// The rule itself, octet by octet.
bool has_bare_newline(std::string_view content) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\n' && (i == 0 || content[i - 1] != '\r')) return true;
    if (content[i] == '\r' && i + 1 < content.size() && content[i + 1] != '\n') return true;
  }
  return false;
}

}  // namespace

POSTERN_FUZZ(chunk) {
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view argument = input.substr(0, end);
  if (const auto chunk = smtp::parse_chunk_argument(argument)) {
    POSTERN_CHECK(!argument.empty() && argument.front() >= '0' && argument.front() <= '9');
    POSTERN_CHECK(chunk->octets == 0 || argument.find_first_of("123456789") != std::string_view::npos);
  }

  const std::string_view content = input.substr(std::min(end + 1, input.size()));
  const ChunkReading whole = read_chunks(content, content.size());
  POSTERN_CHECK(whole.is_clean == !has_bare_newline(content));
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    const ChunkReading cut = read_chunks(content, piece);
    POSTERN_CHECK(cut.is_clean == whole.is_clean);
    if (!whole.is_clean) continue;
    POSTERN_CHECK(cut.reader.octets() == content.size());
    POSTERN_CHECK(cut.reader.has_nul() == (content.find('\0') != std::string_view::npos));
    POSTERN_CHECK(cut.reader.has_long_line() == whole.reader.has_long_line());
    POSTERN_CHECK(cut.reader.is_at_line_start() == (content.empty() || content.back() == '\n'));
    POSTERN_CHECK(cut.reader.ends_in_cr() == content.ends_with('\r'));
  }
}

}  // namespace postern::fuzz
