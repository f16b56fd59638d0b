// Any content through the client's dot-stuffing and the server's reader: what comes out is what went in, and a CR or LF on its own
// never leaves. The first octet says how long the pieces are.
#include "smtp/content_reader.h"
#include "smtp/dot_stuffer.h"
#include "tests/fuzz/fuzz.h"

#include <optional>
#include <string>

namespace postern::fuzz {
namespace {

std::optional<std::string> stuff(std::string_view content, std::size_t piece) {
  smtp::DotStuffer stuffer;
  std::string data;
  while (!content.empty()) {
    const std::string_view part = content.substr(0, piece);
    const std::size_t before = data.size();
    if (!stuffer.append(part, data)) {
      POSTERN_CHECK(data.size() == before);
      return std::nullopt;
    }
    content.remove_prefix(part.size());
  }
  if (!stuffer.finish(data)) return std::nullopt;
  return data;
}

// True if every CR and LF belongs to a CRLF.
bool has_whole_lines(std::string_view content) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\n' && (i == 0 || content[i - 1] != '\r')) return false;
    if (content[i] == '\r' && (i + 1 == content.size() || content[i + 1] != '\n')) return false;
  }
  return true;
}

}  // namespace

POSTERN_FUZZ(dot_stuffing) {
  const std::size_t piece = 1 + take_octet(input) % 32;
  const auto data = stuff(input, piece);
  POSTERN_CHECK(data.has_value() == has_whole_lines(input));
  if (!data) return;
  POSTERN_CHECK(stuff(input, input.size() + 1) == data);

  smtp::ContentReader reader;
  std::string data_copy = *data;
  std::string content;
  std::string_view rest = data_copy;
  smtp::ContentReader::Progress progress = smtp::ContentReader::Progress::NeedMore;
  while (progress == smtp::ContentReader::Progress::NeedMore) {
    POSTERN_CHECK(!rest.empty());
    const smtp::ContentReader::Piece given = reader.read(rest);
    content += given.content;
    rest.remove_prefix(given.consumed);
    progress = given.progress;
  }
  POSTERN_CHECK(progress == smtp::ContentReader::Progress::EndOfData && rest.empty());
  const bool lacks_end = !input.empty() && !input.ends_with("\r\n");
  POSTERN_CHECK(content == std::string(input) + (lacks_end ? "\r\n" : ""));
}

}  // namespace postern::fuzz
