// Any octets as mail data, whole and split: the same content and the same end; no bare CR or LF ever leaves as a line's end.
#include "smtp/content_reader.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <string>

namespace postern::fuzz {
namespace {

using smtp::ContentReader;

struct ContentReading {
  ContentReader::Progress progress = ContentReader::Progress::NeedMore;
  std::string content;
  std::size_t consumed = 0;
};

ContentReading read_content(std::string_view input, std::size_t piece) {
  ContentReader reader;
  ContentReading reading;
  while (!input.empty() && reading.progress == ContentReader::Progress::NeedMore) {
    std::string_view part = input.substr(0, piece);
    const ContentReader::Piece given = reader.read(part);
    POSTERN_CHECK(given.consumed > 0 && given.consumed <= part.size());
    reading.progress = given.progress;
    reading.content += given.content;
    reading.consumed += given.consumed;
    input.remove_prefix(given.consumed);
  }
  POSTERN_CHECK(reader.octets() == reading.content.size());
  return reading;
}

}  // namespace

POSTERN_FUZZ(content) {
  const ContentReading whole = read_content(input, input.size());
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    const ContentReading split = read_content(input, piece);
    POSTERN_CHECK(split.progress == whole.progress);
    if (whole.progress == ContentReader::Progress::BareNewline) continue;
    POSTERN_CHECK(split.content == whole.content && split.consumed == whole.consumed);
  }
  if (whole.progress != ContentReader::Progress::EndOfData) return;
  POSTERN_CHECK(whole.content.empty() || whole.content.ends_with("\r\n"));
  for (std::size_t i = 0; i < whole.content.size(); ++i) {
    if (whole.content[i] == '\n') POSTERN_CHECK(i > 0 && whole.content[i - 1] == '\r');
    if (whole.content[i] == '\r') POSTERN_CHECK(i + 1 < whole.content.size() && whole.content[i + 1] == '\n');
  }
}

}  // namespace postern::fuzz
